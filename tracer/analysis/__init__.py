"""Analyses of a whole trace: pure algorithms over a `Forest`, without SQL and without pages."""
