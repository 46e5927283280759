from itertools import permutations

import numpy as np
import pytest

from services.preprocess.faces.assignment import cheapest_assignment


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 4), (3, 3), (3, 5), (4, 6)])
def test_the_assignment_costs_no_more_than_any_other(rows: int, columns: int) -> None:
    random = np.random.default_rng(rows * 10 + columns)
    for _ in range(20):
        cost = random.random((rows, columns))
        chosen = cheapest_assignment(cost)
        assert len(set(chosen)) == rows
        least = min(sum(cost[range(rows), order]) for order in permutations(range(columns), rows))
        assert cost[range(rows), chosen].sum() == pytest.approx(least)


def test_the_locally_cheapest_pair_is_given_up_for_the_whole() -> None:
    assert cheapest_assignment(np.array([[1.0, 2.0], [1.1, 9.0]])) == [1, 0]
