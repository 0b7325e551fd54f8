"""Compares two sets of traces: values ranked by significance, numbers by distribution."""
