"""The group of the ``tracer`` command: each subcommand is a module that is loaded when called."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

from tracer import __version__
from tracer.errors import ConfigError

# A further command is one line here: its name, its module and what it is called there.
COMMANDS: Final = {
    "serve": ("tracer.cli.serve", "serve"),
    "demo": ("tracer.cli.demo", "demo"),
    "export": ("tracer.cli.exports", "export"),
    "import": ("tracer.cli.importing", "import_"),
    "db": ("tracer.cli.db", "db"),
    "keys": ("tracer.cli.keys", "keys"),
    "doctor": ("tracer.cli.doctor", "doctor"),
}


class LazyGroup(click.Group):
    """Subcommands by name; what an operator can mend is said in one line, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are helped with."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command, None: there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tracer")
def main() -> None:
    """Record and look at what LLM applications do."""
