"""The pages of a share link."""
