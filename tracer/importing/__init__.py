"""Imports the data of other tracing servers, through their public APIs, into a project."""
