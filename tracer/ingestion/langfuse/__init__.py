"""Writes in Langfuse's format."""
