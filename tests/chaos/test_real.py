"""Chaos on the real servers, a little of it. More: `make chaos N=20 SEED=1`."""

from pathlib import Path

import pytest

from services.common.settings import Settings
from services.preprocess.faces.fetch import fetch

pytest.importorskip("nats")


def test_every_promise_is_kept_on_the_real_servers(tmp_path: Path) -> None:
    from chaos.real import run  # which needs the servers' clients

    fetch(Settings().faces_dir)
    seeds = (3, 8)
    results = list(run(seeds, tmp_path, tmp_path / "real.jsonl"))

    assert {result.seed: result.wrong for result in results} == {seed: [] for seed in seeds}
