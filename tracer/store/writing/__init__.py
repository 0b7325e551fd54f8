"""Writes: one batch of records becomes rows, under the lock of its traces."""
