"""The users of the traced application: lists, sums over their traces, scores."""
