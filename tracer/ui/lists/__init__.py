"""Lists of traces and sessions, and the page of a session."""
