"""SQL helpers that know no table: connections, keyset pages, conditions, locks, COPY text."""
