"""Lists, queries and text on databases of 10,000 and of 1,000,000 traces, filled by COPY."""
