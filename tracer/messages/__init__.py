"""Chat messages of every dialect in one form (pure)."""
