"""`lipstage verify`: what a file says about where it comes from."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import console, say, shown
from services.common.errors import LipstageError
from services.common.provenance.signing_files import own_root
from services.common.settings import Settings

if TYPE_CHECKING:
    from services.common.provenance.manifest_reading import Credentials, Ingredient
    from services.common.provenance.verification import Verification


def verify(
    file: Annotated[Path, typer.Argument(help="A video.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Reads FILE's signed content credentials (C2PA) and its watermark."""
    found = _verified(file)
    if as_json:
        say(found.model_dump_json(indent=2))
        return
    table = Table("what", "found", show_header=False)
    for what, told in _rows(found):
        table.add_row(shown(what), shown(told))
    console.print(table)


def _verified(file: Path) -> "Verification":
    try:
        verification = import_module("services.common.provenance.verification")
    except ModuleNotFoundError as error:
        raise LipstageError(f"{error.name} is not installed; pip install 'lipstage[provenance]' brings it.") from error
    result: Verification = verification.verify_file(file, own_root(Settings()))
    return result


def _rows(found: "Verification") -> list[tuple[str, str]]:
    credentials, watermark = found.credentials, found.watermark
    marked = f"job {watermark.payload}…, {watermark.confidence:.1%} of its bits unharmed" if watermark else "none"
    return [*_credentials_rows(credentials), ("watermark", marked)]


def _credentials_rows(credentials: "Credentials") -> list[tuple[str, str]]:
    if credentials.state == "absent":
        return [("credentials", "none")]
    trust = "trusted here" if credentials.trusted else "not known here"
    return [
        ("credentials", " ".join((credentials.state, *(f"[{code}]" for code in credentials.failures)))),
        ("signed by", f"{credentials.signer or 'nobody named'} ({trust})"),
        ("signed at", credentials.signed_at or "not attested"),
        *(
            (action.action, f"{action.software or ''} {action.source_type or ''}".strip())
            for action in credentials.actions
        ),
        *((ingredient.relationship, _origin(ingredient)) for ingredient in credentials.ingredients),
        ("job", credentials.job_id or "not named"),
        ("consent", credentials.consent_id or "none recorded"),
    ]


def _origin(ingredient: "Ingredient") -> str:
    if ingredient.signer is None:
        return "a file without credentials"
    return " ".join((f"a file signed by {ingredient.signer}", *(f"[{code}]" for code in ingredient.failures)))
