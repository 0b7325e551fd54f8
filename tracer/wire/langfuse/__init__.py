"""What Langfuse's SDKs send to its ingestion API, as records; only here are its words known."""
