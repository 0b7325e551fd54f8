"""Tracer: a self-hosted tracing system for LLM applications."""

__version__ = "0.1.0"
