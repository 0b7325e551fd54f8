"""OTLP/HTTP requests: protobuf and JSON to groups of spans, and the answers."""
