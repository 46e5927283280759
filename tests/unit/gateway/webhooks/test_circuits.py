"""An endpoint that does not work is left alone for a while."""

from port_suites.hand_clock import HandClock

from gateway.webhooks.circuits import Circuits

HERE, THERE = "https://one.example:443", "https://two.example:443"


def test_five_failures_in_a_row_open_the_circuit_for_half_a_minute() -> None:
    clock = HandClock()
    circuits = Circuits(clock)

    entered = [tried(circuits, HERE, works=False) for _ in range(6)]
    clock.advance(29)
    early = circuits.enter(HERE)
    clock.advance(1)

    assert entered == [True] * 5 + [False]
    assert not early
    assert circuits.enter(HERE)


def test_a_success_in_between_begins_the_count_anew() -> None:
    circuits = Circuits(HandClock())

    entered = [tried(circuits, HERE, works) for works in [False] * 4 + [True] + [False] * 4 + [True]]

    assert all(entered)


def test_other_endpoints_are_not_concerned() -> None:
    circuits = Circuits(HandClock())
    opened(circuits)

    assert circuits.enter(THERE)


def test_a_half_open_circuit_lets_one_through_and_closes_when_that_succeeds() -> None:
    clock = HandClock()
    circuits = Circuits(clock)
    opened(circuits)
    clock.advance(30)

    assert [circuits.enter(HERE), circuits.enter(HERE)] == [True, False]
    circuits.leave(HERE, works=True)
    assert [circuits.enter(HERE), circuits.enter(HERE)] == [True, True]


def test_each_failed_probe_doubles_the_pause_up_to_ten_minutes() -> None:
    clock = HandClock()
    circuits = Circuits(clock)
    opened(circuits)

    pauses = []
    for _ in range(7):
        waited = 0
        while not tried(circuits, HERE, works=False):
            clock.advance(10)
            waited += 10
        pauses.append(waited)

    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_a_probe_that_told_nothing_leaves_the_next_one_to_find_out() -> None:
    clock = HandClock()
    circuits = Circuits(clock)
    opened(circuits)
    clock.advance(30)

    assert tried(circuits, HERE, works=None)
    assert circuits.enter(HERE)
    assert not circuits.enter(HERE)


def test_endpoints_that_nothing_waits_for_are_forgotten() -> None:
    circuits = Circuits(HandClock())
    opened(circuits)

    circuits.keep([THERE])

    assert circuits.enter(HERE)


def tried(circuits: Circuits, endpoint: str, works: bool | None) -> bool:
    if not circuits.enter(endpoint):
        return False
    circuits.leave(endpoint, works)
    return True


def opened(circuits: Circuits) -> None:
    for _ in range(5):
        assert tried(circuits, HERE, works=False)
