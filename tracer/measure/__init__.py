"""Aggregates over many rows: questions, their answers, histograms. No I/O."""
