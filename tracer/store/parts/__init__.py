"""Repeated pieces of payloads, which are stored once per trace or project."""
