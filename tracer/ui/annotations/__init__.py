"""Forms and answers for bookmarks, comments, scores, share links, tags and deletes."""
