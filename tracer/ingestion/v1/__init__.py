"""The writes of Tracer's own JSON API."""
