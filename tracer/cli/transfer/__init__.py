"""Commands that send traces to a server, fetch or import them, and their HTTP client."""
