"""What people leave on a trace, span or session: bookmarks, comments, share links."""
