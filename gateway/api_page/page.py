"""Serves Swagger UI over the API's description, from the installed package alone."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.routing import Route

from gateway import own_page

_STATIC = Path(__file__).parent / "static"
_USED = ("swagger-ui-bundle.js", "swagger-ui.css")


@cache  # the bundle takes a moment to compress
def api_page_routes() -> tuple[Route, ...]:
    """Routes for `/docs` and `/docs/{version}/…`."""
    (swagger_ui,) = files("swagger_ui_bundle").joinpath("vendor").iterdir()
    ours = {path.name: path.read_bytes() for path in _STATIC.iterdir()}
    theirs = {name: swagger_ui.joinpath(name).read_bytes() for name in _USED}
    return tuple(own_page.page_routes("/docs", "/docs", ours | theirs))
