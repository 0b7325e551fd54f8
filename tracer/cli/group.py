"""The group of the ``tracer`` command: loads the module of a subcommand when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

from tracer import __version__
from tracer.errors import ConfigError, Refused

# Subcommand name -> (module, attribute of the click command).
COMMANDS: Final = {
    "serve": ("tracer.cli.serve", "serve"),
    "demo": ("tracer.cli.transfer.demo", "demo"),
    "export": ("tracer.cli.transfer.exports", "export"),
    "import": ("tracer.cli.transfer.importing", "import_"),
    "db": ("tracer.cli.db", "db"),
    "projects": ("tracer.cli.projects", "projects"),
    "members": ("tracer.cli.members", "members"),
    "keys": ("tracer.cli.keys", "keys"),
    "worker": ("tracer.cli.serve", "worker"),
    "backup": ("tracer.cli.backup", "backup"),
    "restore": ("tracer.cli.backup", "restore"),
    "config": ("tracer.cli.config", "config"),
    "doctor": ("tracer.cli.doctor", "doctor"),
}


class LazyGroup(click.Group):
    """The subcommands by name; errors that an operator can fix are one line, not a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is given
        """Return the names in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the signature is given
        """Load a command; None: there is no command of that name."""
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
        except (ConfigError, Refused) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tracer")
def main() -> None:
    """Record and inspect traces of LLM applications."""
