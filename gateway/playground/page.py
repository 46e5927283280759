"""Serves the playground: one page and its modules."""

from pathlib import Path

from starlette.routing import Route

from gateway import own_page

_STATIC = Path(__file__).parent / "static"


def page_routes() -> list[Route]:
    """Routes for `/` and `/static/{version}/…`."""
    return own_page.page_routes("/", "/static", {path.name: path.read_bytes() for path in _STATIC.iterdir()})
