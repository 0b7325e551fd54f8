"""Tombstones of deleted traces and sessions, and the purge that deletes their rows."""
