"""The names people use for variants, and which one a machine can run."""

from services.common.errors import InvalidParameter

NUMBERS = {"demo": "1", "1": "1", "1.5": "15", "15": "15", "1.6": "16", "16": "16"}
NEEDED_GIB = {"1.6": 18.0, "1.5": 8.0}
"""GPU memory each released variant needs, largest first."""


def variant_number(name: str) -> str:
    """The variant's version number in the model repository. Raises InvalidParameter."""
    if name not in NUMBERS:
        raise InvalidParameter(f"“{name}” is no variant; choose demo, 1.5 or 1.6.", variant=name)
    return NUMBERS[name]


def recommended_variant(gpu_memory_gib: float) -> str:
    """The variant for a GPU of that much memory (0 = none): by what fits, not by what is newest."""
    return next((name for name, needed in NEEDED_GIB.items() if gpu_memory_gib >= needed), "demo")
