"""What the Langfuse-compatible reads and writes share."""
