"""What is done to each request before its route sees it."""
