"""The tree of commands. A command's module is imported when the command is named."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from .._version import __version__
from .options import debug_option, examples

COMMANDS = {
    "predict": "predict:predict",
    "search": "search:search",
    "verify": "verify:verify",
    "convert": "convert:convert",
    "fit": "fit:fit",
    "proxies": "proxies:proxies",
    "data": "data:data",
    "models": "models:models",
    "benchmark": "benchmark:benchmark",
    "analyze": "analyze:analyze",
    "report": "report:report",
    "explore": "explore:explore",
}
"""``module:attribute`` inside ``commands``, by the command's name."""


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for it.

    Args:
        homes: ``module:attribute`` inside ``commands``, by the command's name.
        **options: What :class:`click.Group` takes.
    """

    def __init__(self, *, homes: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.homes = dict(homes)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command, None if there is none of that name."""
        if cmd_name not in self.homes:
            return None
        module, _, attribute = self.homes[cmd_name].partition(":")
        command: click.Command = getattr(
            import_module(f".commands.{module}", __package__), attribute
        )
        return command


@click.group(
    cls=LazyGroup,
    homes=COMMANDS,
    epilog=examples("predict 2581", "search --budget 50"),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="surrobust")
@debug_option
@click.pass_context
def root(ctx: click.Context) -> None:
    """Predict, search and verify neural architectures that withstand adversarial attacks."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
