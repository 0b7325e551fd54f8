"""What a span and a trace are, whatever arrived first (pure: no SQL)."""
