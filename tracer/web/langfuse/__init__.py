"""Shared parts of the Langfuse-compatible reads and writes."""
