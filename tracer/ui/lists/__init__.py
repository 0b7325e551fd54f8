"""Lists of traces and sessions."""
