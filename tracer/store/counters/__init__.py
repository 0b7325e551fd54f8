"""Append-only counters of attribute mapping, and their compaction."""
