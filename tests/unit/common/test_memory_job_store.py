import pytest
from port_suites.job_store import JobStoreSuite

from services.common.memory_job_store import MemoryJobStore


class TestMemoryJobStore(JobStoreSuite):
    @pytest.fixture
    def job_store(self) -> MemoryJobStore:
        return MemoryJobStore()
