"""The ``tracer`` command: the group of subcommands, and one module for each subcommand."""
