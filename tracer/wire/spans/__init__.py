"""One OTLP span to one record: attributes resolved to fields by the rules of all dialects."""
