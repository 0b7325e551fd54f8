"""Spans and scores on their way to the server; loaded by programs that send some."""
