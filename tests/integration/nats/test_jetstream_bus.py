from port_suites.bus import BusSuite


class TestJetStreamBus(BusSuite):
    pass
