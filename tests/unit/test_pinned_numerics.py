"""Numbers that met the golden data stay as they were, also where the golden data is not at hand."""

import runpy
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_numerics_are_what_they_were_when_they_met_the_golden_data() -> None:
    now = runpy.run_path(str(FIXTURES / "make_numerics.py"))["numerics"]()
    pinned = load_file(FIXTURES / "numerics.safetensors")
    assert now.keys() == pinned.keys()
    for name, expected in pinned.items():
        assert now[name].dtype == expected.dtype, name
        atol = 2e-5 if expected.dtype == np.float32 else 0
        np.testing.assert_allclose(now[name], expected, atol=atol, rtol=0, err_msg=name)
