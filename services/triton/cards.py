"""Writes what the graphs of a model repository say about themselves where Triton can tell it on."""

from pathlib import Path

from services.common.errors import ModelError
from services.common.model_cards import CARRIER, card_text, parameter_of
from services.common.onnx_models import recorded_card
from services.common.ports import NETWORKS

_HEADING = (
    "# The cards of all networks, written by `python -m services.triton cards`; nothing below this line is kept.\n"
)


def write_cards(repository: Path) -> list[Path]:
    """Brings the configurations that carry the cards up to date; those that were not. Raises ModelError."""
    configs = configs_with_cards(repository)
    outdated = [path for path, text in configs.items() if path.read_text() != text]
    for path in outdated:
        path.write_text(configs[path])
    return outdated


def configs_with_cards(repository: Path) -> dict[Path, str]:
    """Each configuration that carries cards, as it should read for the graphs that are there now. Raises ModelError."""
    folder = repository / CARRIER
    if not (folder / "config.pbtxt").is_file():
        raise ModelError(f"{folder} has no config.pbtxt; copy the configurations of Lipstage's model_repository there.")
    cards = _HEADING + "".join(_parameters(repository))
    paths = [folder / "config.pbtxt", *sorted(folder.glob("configs/*.pbtxt"))]
    return {path: path.read_text().partition(_HEADING)[0] + cards for path in paths}


def _parameters(repository: Path) -> list[str]:
    lines = []
    for name in NETWORKS:
        for graph in sorted(repository.glob(f"{name}/[0-9]*/model.onnx"), key=lambda path: int(path.parent.name)):
            key = parameter_of(name, graph.parent.name)
            value = _quoted(card_text(recorded_card(name, graph)))
            lines.append(f'parameters {{ key: "{key}" value {{ string_value: {value} }} }}\n')
    return lines


def _quoted(text: str) -> str:
    """A string of protobuf's text format; single quotes spare JSON's own the escaping."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
