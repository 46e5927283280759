"""Amounts as people write them."""


def dollars(amount: int) -> str:
    """Micro-dollars as dollars, exactly: two decimals, more only where they are needed."""
    whole, rest = divmod(abs(amount), 1_000_000)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{decimals}"
