"""Export formats of a trace: records in, text out; no SQL and no Flask."""
