"""SQL helpers for any table: connections, keyset pages, conditions, locks, COPY text."""
