"""Reads of traces, observations and sessions in Langfuse's format."""
