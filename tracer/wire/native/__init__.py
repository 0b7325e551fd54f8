"""Requests of our own JSON API, checked and made into records."""
