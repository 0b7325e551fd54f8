"""Reads of a trace in time order: log, transcript, findings; and the index that serves them."""
