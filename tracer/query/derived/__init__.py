"""Queries derived from other queries, or from attributes of traces."""
