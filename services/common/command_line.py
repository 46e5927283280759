"""What every command of this project has in common: how it is built, and how it says that something went wrong."""

import sys

import typer

from services.common.errors import EXIT_ERROR, LipstageError


def program(name: str, purpose: str) -> typer.Typer:
    """An empty command line; `purpose` heads its help."""
    return typer.Typer(
        name=name, help=purpose, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )


def run_program(app: typer.Typer) -> None:
    """Every expected error is one line with its code on stderr, and exit status 2."""
    try:
        app()
    except LipstageError as error:
        typer.echo(f"error [{error.code}]: {error}", err=True)
        sys.exit(EXIT_ERROR)
