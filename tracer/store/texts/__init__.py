"""Text across traces: the index of their words, conditions on it, and the spans of hits."""
