"""Writes of our own JSON API."""
