"""Writes batches of records as rows, in one transaction per group, under locks of the traces."""
