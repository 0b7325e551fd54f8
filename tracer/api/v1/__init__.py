"""The reads of Tracer's own JSON API."""
