"""Forms for bookmarks, comments, scores, tags and share links, and for deleting."""
