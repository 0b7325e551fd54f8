"""Scores, their configs, and annotation queues."""
