"""The cheapest way to give every row a column of its own."""

import numpy as np
from numpy.typing import NDArray


def cheapest_assignment(cost: NDArray[np.float64]) -> list[int]:
    """Column of every row of a rows×columns cost matrix, rows ≤ columns, with the least total cost.

    Hungarian algorithm with potentials, O(rows²·columns) (Jonker & Volgenant, 1987).
    """
    rows, columns = cost.shape
    row_potential, column_potential = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of = np.zeros(columns + 1, dtype=int)  # 1-based; column 0 holds the row being placed
    for row in range(1, rows + 1):
        row_of[0] = row
        column = 0
        slack = np.full(columns + 1, np.inf)
        came_from = np.zeros(columns + 1, dtype=int)
        visited = np.zeros(columns + 1, dtype=bool)
        while row_of[column]:
            visited[column] = True
            placed = row_of[column]
            reduced = cost[placed - 1] - row_potential[placed] - column_potential[1:]
            better = ~visited[1:] & (reduced < slack[1:])
            slack[1:][better] = reduced[better]
            came_from[1:][better] = column
            following = int(np.argmin(np.where(visited, np.inf, slack)))
            delta = slack[following]
            row_potential[row_of[visited]] += delta
            column_potential[visited] -= delta
            slack[~visited] -= delta
            column = following
        while column:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    placed_rows = row_of[1:]
    return [int(np.flatnonzero(placed_rows == row)[0]) for row in range(1, rows + 1)]
