"""How many workers a pool should have: KEDA from and to zero, the HorizontalPodAutoscaler in between."""

import math
from collections import deque

from bench.capacity.inputs import PoolPlan, Scaling


class Autoscaler:
    """Asked every `polling_s`.

    Up: at once, but at most to twice as many or four more per period, Kubernetes' default. Down: to the highest need
    within the stabilization window. To zero: after the cool-down without a task.
    """

    def __init__(self, plan: PoolPlan, scaling: Scaling) -> None:
        self._plan = plan
        self._scaling = scaling
        self._needs: deque[tuple[float, int]] = deque()
        self._last_active_s = 0.0

    def wanted(self, now_s: float, tasks: int, workers: int) -> int:
        """`tasks` counts those queued and those in hand, as KEDA does."""
        plan, scaling = self._plan, self._scaling
        if tasks:
            self._last_active_s = now_s
        elif plan.min_workers == 0 and now_s - self._last_active_s >= scaling.cooldown_s:
            return 0
        if workers == 0:
            return 1 if tasks else 0
        least = max(1, plan.min_workers)
        need = min(max(math.ceil(tasks / plan.tasks_per_worker), least), plan.max_workers)
        self._needs.append((now_s, need))
        while self._needs[0][0] < now_s - scaling.stabilization_s:
            self._needs.popleft()
        if need > workers:
            return min(need, max(2 * workers, workers + 4))
        return min(workers, max(recent for _, recent in self._needs))
