import pytest
from port_suites.documents import DocumentsSuite

from gateway.memory_documents import MemoryDocuments


class TestMemoryDocuments(DocumentsSuite):
    @pytest.fixture
    def documents(self) -> MemoryDocuments:
        return MemoryDocuments()
