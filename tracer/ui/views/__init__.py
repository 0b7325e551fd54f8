"""Views of a trace beside its tree: log, transcript, statistics, findings."""
