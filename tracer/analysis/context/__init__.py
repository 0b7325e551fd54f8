"""What model calls are sent again, and why the caches of providers miss."""
