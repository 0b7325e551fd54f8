"""The only package that knows SQL: the schema, the writer, and one read module per noun."""
