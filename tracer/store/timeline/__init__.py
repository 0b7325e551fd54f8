"""A trace in order of time: log, transcript, findings."""
