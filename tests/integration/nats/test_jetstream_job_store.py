from port_suites.job_store import JobStoreSuite


class TestJetStreamJobStore(JobStoreSuite):
    pass
