"""The ``tracer`` command: its group of subcommands, and one module for each of them."""
