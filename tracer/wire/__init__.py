"""Decodes requests to records: all wire formats and attribute dialects (pure)."""
