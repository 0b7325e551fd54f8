"""Monitoring of the server: health, readiness, metrics, log lines."""
