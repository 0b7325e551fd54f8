"""Middleware and hooks that process each request before its view."""
