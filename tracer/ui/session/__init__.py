"""The page of one session: its timeline, and its traces as a conversation."""
