"""Prompts, datasets with their runs, and media."""
