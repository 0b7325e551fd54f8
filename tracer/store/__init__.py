"""The only package that contains SQL: the schema, the writer, and one read module per noun."""
