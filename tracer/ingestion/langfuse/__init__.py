"""Writes of Langfuse's API."""
