"""Rollups: sums by minute, hour and day that writers append to and the worker folds."""
