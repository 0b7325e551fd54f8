"""Reads of our own JSON API."""
