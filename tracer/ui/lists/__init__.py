"""Lists of traces, spans, sessions and users: facets, columns, views, charts."""
