"""Nodes, levels and rows of the span tree."""
