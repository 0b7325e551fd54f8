"""Scores, score configs and annotation queues in Langfuse's format."""
