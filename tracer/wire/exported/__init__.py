"""Spans and traces of our own export, read back as they were."""
