"""The page of a trace and its fragments."""
