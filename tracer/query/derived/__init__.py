"""Queries made of other queries, or of what traces have in common."""
