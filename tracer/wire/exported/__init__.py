"""Reads exported spans and traces, so that an import restores them."""
