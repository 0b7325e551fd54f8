"""What a public share link shows."""
