"""Annotations of traces, spans and sessions: bookmarks, comments, share links."""
