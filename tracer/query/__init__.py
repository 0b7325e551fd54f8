"""The query language: texts that select traces, spans, sessions and users. Pure, without SQL."""
