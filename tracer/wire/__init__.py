"""Bytes to records: every wire format and attribute dialect, pure."""
