import pytest

from cli.variants import NEEDED_GIB, recommended_variant, variant_number
from services.common.errors import InvalidParameter
from services.common.messages import DubParameters


@pytest.mark.parametrize(
    ("name", "number"), [("demo", "1"), ("1", "1"), ("1.5", "15"), ("15", "15"), ("1.6", "16"), ("16", "16")]
)
def test_a_variant_goes_by_its_name_and_by_its_number(name: str, number: str) -> None:
    assert variant_number(name) == number
    assert DubParameters.model_validate({"variant": number}).variant == number


@pytest.mark.parametrize("name", ["", "1.7", "Demo", " 1.5", "latest"])
def test_other_names_are_refused_with_the_choice_there_is(name: str) -> None:
    with pytest.raises(InvalidParameter, match=r"choose demo, 1\.5 or 1\.6"):
        variant_number(name)


@pytest.mark.parametrize(
    ("memory_gib", "name"),
    [(0.0, "demo"), (7.9, "demo"), (8.0, "1.5"), (17.9, "1.5"), (18.0, "1.6"), (80.0, "1.6")],
)
def test_the_largest_variant_that_fits_is_recommended(memory_gib: float, name: str) -> None:
    assert recommended_variant(memory_gib) == name


def test_whatever_is_recommended_can_be_asked_for() -> None:
    assert {variant_number(name) for name in NEEDED_GIB} == {"15", "16"}
