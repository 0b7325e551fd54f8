"""Findings of a trace: what failed, what was repeated, what broke a schema."""
