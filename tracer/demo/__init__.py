"""A realistic data set, told in scenarios and sent as OTLP."""
