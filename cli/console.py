"""Where the command prints."""

from rich.console import Console
from rich.text import Text

console = Console(highlight=False)
"""Standard output, for tables."""

errors = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """One line on standard output, as it is: unbroken, and with nothing in it taken for markup."""
    console.print(line, soft_wrap=True, markup=False)


def shown(told: str) -> Text:
    """Of what strangers wrote, nothing is taken for markup or sent to the terminal as a command."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in told))
