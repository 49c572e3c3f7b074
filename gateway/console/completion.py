"""``doko completion``: what makes a shell complete the commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the completion script of SHELL; in bash: eval "$(doko completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"there is no completion for {shell}")
    root = context.find_root()
    click.echo(kind(root.command, {}, "doko", "_DOKO_COMPLETE").source())
