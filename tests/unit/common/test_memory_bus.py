import pytest
from port_suites.bus import BusSuite

from services.common.memory_bus import MemoryBus


class TestMemoryBus(BusSuite):
    @pytest.fixture
    def bus(self) -> MemoryBus:
        return MemoryBus(queue_limit=self.QUEUE_LIMIT)
