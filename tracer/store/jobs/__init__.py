"""Bulk jobs: one change of all traces of a selection, in the background, with progress."""
