"""Repeated input of model calls, and why the prompt caches of providers miss."""
