"""A worker's side: held at the gate, measured from request to request."""

import io
import json

import pytest

from f1_rl.benchmark.channel import Channel, FinishedError, Gate, measure_repeatedly


def channel(*requests: dict[str, float]) -> tuple[Channel, io.StringIO]:
    output = io.StringIO()
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    return Channel(output, io.StringIO(lines)), output


def messages(output: io.StringIO) -> list[dict[str, float]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_the_gate_counts_what_was_done_between_two_requests():
    own, output = channel({"seconds": 0.0}, {"seconds": 0.0})
    gate = Gate(own)
    gate.imported()
    gate.built(702)
    gate.hold(100, 0)
    assert messages(output) == []
    gate.hold(300, 1)
    assert gate.due()
    gate.hold(340, 11)
    with pytest.raises(FinishedError):
        gate.hold(390, 26)
    ready, first, second = messages(output)
    assert ready["parameters"] == 702
    assert ready["first_update_s"] >= ready["import_s"] > 0.0
    assert (first["env_steps"], first["updates"]) == (40, 10)
    assert (second["env_steps"], second["updates"]) == (50, 15)


def test_the_gate_lets_the_loop_run_for_the_seconds_that_were_asked_for():
    own, _ = channel({"seconds": 1000.0})
    gate = Gate(own)
    gate.hold(1, 1)
    assert not gate.due()


def test_something_is_called_until_the_time_is_over():
    own, output = channel({"seconds": 0.01}, {"seconds": 0.0})
    calls = []
    with pytest.raises(FinishedError):
        measure_repeatedly(own, lambda: calls.append(1), 3.0, what="it")
    ready, first, second = messages(output)
    assert ready == {"what": "it"}
    assert first["rate"] > 0.0
    assert second["rate"] > 0.0
    assert len(calls) >= 3
