"""Reads of sessions, traces and spans: lists, levels of the tree, one span."""
