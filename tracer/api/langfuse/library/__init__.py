"""Prompts, datasets, experiments and media in Langfuse's format."""
