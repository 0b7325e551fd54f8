"""Lists of traces, spans, sessions and users: queries, facets, columns, views, charts."""
