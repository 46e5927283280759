"""The cards of the networks survive the way through Triton's configuration files."""

import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from services.common.errors import ModelError
from services.common.model_cards import CARRIER, card_from, card_text, parameter_of
from services.common.ports import NETWORKS, ModelCard
from services.common.settings import Settings
from services.triton.cards import configs_with_cards, write_cards

REPOSITORY = Settings().models_dir


def test_a_card_survives_as_text() -> None:
    card = ModelCard("unet", "16", 512, "ab12", "1", note="It's \\ not “plain”.")

    assert card_from("unet", card_text(card)) == card


@pytest.mark.parametrize("text", ["", "[]", '{"variant": "1"}', '{"weight": 3}'])
def test_a_text_that_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        card_from("unet", text)


def test_the_configurations_say_what_the_graphs_say() -> None:
    configs = configs_with_cards(REPOSITORY)

    assert len(configs) == 2
    for path, text in configs.items():
        assert path.read_text() == text, "python -m services.triton cards"
        parameters = text_format.Parse(text, ModelConfig()).parameters
        cards = [card_from(model, parameters[parameter_of(model, "1")].string_value) for model in NETWORKS]
        assert {(card.variant, card.resolution) for card in cards} == {("1", 128)}


def test_writing_cards_changes_nothing_else_and_nothing_twice(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / CARRIER, tmp_path / CARRIER)
    config = tmp_path / CARRIER / "config.pbtxt"
    by_hand, heading, _ = config.read_text().partition("# The cards")
    config.write_text(by_hand)

    written = write_cards(tmp_path)

    assert written == [config, tmp_path / CARRIER / "configs/tensorrt.pbtxt"]
    assert config.read_text().startswith(by_hand + heading)
    assert write_cards(tmp_path) == []


def test_a_repository_without_configurations_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.pbtxt"):
        write_cards(tmp_path)
