"""Answers questions about many rows, from rollups where they can answer, else by scanning."""
