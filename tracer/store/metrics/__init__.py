"""Aggregate queries over spans, traces and scores."""
