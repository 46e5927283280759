"""Chaos in virtual time. More of it: `make simulate SEEDS=10000`; one seed alone: `make simulate SEEDS=1 SEED=406`."""

import pytest
from chaos import mutations
from chaos.mutations import Mutation
from chaos.simulated_runs import broken_by, simulate

SEEDS = 500


def test_every_promise_is_kept_whatever_the_faults() -> None:
    broken, _ = broken_by(range(1, SEEDS + 1))

    assert not broken, broken[0].story()


def test_a_seed_always_tells_the_same_story() -> None:
    assert simulate(406).trace == simulate(406).trace


@pytest.mark.parametrize(
    "mutation",
    [mutations.no_fence, mutations.acknowledged_before_it_is_recorded, mutations.no_second_push],
    ids=lambda mutation: mutation.__name__,
)
def test_a_broken_program_breaks_a_promise(mutation: Mutation) -> None:
    with mutation():
        broken, _ = broken_by(range(1, 1 + SEEDS // 5))

    assert broken
