"""The ``tracer`` command, also as ``python -m tracer``, wherever the package is installed."""

from __future__ import annotations

import sys

from tracer.cli.installation import clash_message, missing_server_message, other_distributions


def main() -> None:
    """Run the command; exits with 1 and one line if the installation lacks the server."""
    others = other_distributions()
    if others:
        print(clash_message(others), file=sys.stderr)
    try:
        # Imported here: a base installation lacks the packages that the subcommands import.
        from tracer.cli.group import main as group

        group(prog_name="tracer")
    except ImportError as error:
        if others:
            sys.exit(1)
        if isinstance(error, ModuleNotFoundError) and error.name and not _is_own_module(error.name):
            sys.exit(missing_server_message(error.name))
        raise


def _is_own_module(module: str) -> bool:
    return module.partition(".")[0] == "tracer"


if __name__ == "__main__":
    main()
