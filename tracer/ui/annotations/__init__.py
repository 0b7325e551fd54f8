"""Forms for bookmarks, comments, scores, tags and share links."""
