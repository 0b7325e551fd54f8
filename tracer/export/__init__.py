"""Formats in which a trace leaves the tool: records in, text out."""
