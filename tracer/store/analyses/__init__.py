"""Analyses of a trace or subtree: computed once, stored, read by pages and exports."""
