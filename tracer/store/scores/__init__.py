"""Scores, their configs, and the queues in which people review them."""
