"""Requests of the JSON API: validation, and conversion to records."""
