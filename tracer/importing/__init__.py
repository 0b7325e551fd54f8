"""Copies what other tracing servers hold, through their public APIs, into a project."""
