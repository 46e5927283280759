"""Bodies that JavaScript parses and writes again come out as they were."""

import json
import math
import random
import shutil
import struct
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.webhooks.json_text import Json, json_text

NUMBERS = [
    (0.0, "0"),
    (-0.0, "0"),
    (4.0, "4"),
    (-12.5, "-12.5"),
    (0.1, "0.1"),
    (100.0, "100"),
    (1e-6, "0.000001"),
    (1.5e-7, "1.5e-7"),
    (1e16, "10000000000000000"),
    (1.2345678901234568e20, "123456789012345680000"),
    (1e21, "1e+21"),
    (5e-324, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
]
"""As ECMA-262 writes them (Number::toString)."""

SCALARS = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)
JAVASCRIPT = """
const bodies = JSON.parse(require("fs").readFileSync(0));
process.stdout.write(JSON.stringify(bodies.map(body => JSON.stringify(JSON.parse(body)))));
"""


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_numbers_are_written_as_javascript_writes_them(value: float, text: str) -> None:
    assert json_text([value]) == f"[{text}]"


@settings(max_examples=50)
@given(VALUES)
def test_a_body_means_what_it_was_made_from(value: Json) -> None:
    assert json.loads(json_text(value), parse_int=float) == value


def test_keys_that_are_array_indices_come_first_in_their_order() -> None:
    assert json_text({"b": 1, "10": 2, "9": 3, "01": 4, "4294967295": 5}) == (
        '{"9":3,"10":2,"b":1,"01":4,"4294967295":5}'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_word_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text({"fps": value})


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no JavaScript at hand")
def test_a_real_javascript_writes_the_same() -> None:
    chance = random.Random(5)
    numbers = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(2000)]
    numbers += [round(10 ** chance.uniform(-9, 23), chance.randint(0, 12)) for _ in range(2000)]
    letters = "".join(map(chr, [*range(0x180), 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0x1F600]))
    keys = {str(chance.getrandbits(chance.randint(1, 34))): letters for _ in range(500)}
    bodies = [json_text([number for number in numbers if math.isfinite(number)]), json_text({letters: 1, **keys})]

    answer = subprocess.run(
        ["node", "-e", JAVASCRIPT], input=json.dumps(bodies).encode(), stdout=subprocess.PIPE, check=True
    )

    assert json.loads(answer.stdout) == bodies
