"""Projects with their API keys, secrets and prices."""
