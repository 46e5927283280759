"""Where the command prints."""

from rich.console import Console

console = Console(highlight=False)
"""Standard output, for tables."""

errors = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """One line on standard output, as it is: unbroken, and with nothing in it taken for markup."""
    console.print(line, soft_wrap=True, markup=False)
