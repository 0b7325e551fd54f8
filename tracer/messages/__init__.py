"""Chat messages of all APIs and frameworks in one form (pure)."""
