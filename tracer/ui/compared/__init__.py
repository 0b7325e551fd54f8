"""Comparisons: what differs between two selections, and two traces side by side."""
