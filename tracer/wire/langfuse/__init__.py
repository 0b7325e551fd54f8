"""Converts requests of Langfuse's SDKs to records; only this package knows Langfuse's names."""
