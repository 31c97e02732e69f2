"""Workers: processes of their own that are pinned, capped, and measured in turns."""

import os
import textwrap
from pathlib import Path

import pytest

from f1_rl.benchmark.turns import BenchmarkError, Job, take_turns

WORKERS = """
    import os
    import tempfile
    from pathlib import Path

    def log(channel, *, name, file):
        channel.send(name=name)
        while True:
            request = channel.request()
            with Path(file).open("a") as lines:
                lines.write(f"{name}{request['value']} ")
            channel.send(doubled=2 * request["value"])

    def describe(channel):
        print("what a library says on the standard output")
        channel.send(
            processors=sorted(os.sched_getaffinity(0)),
            threads=os.environ["OMP_NUM_THREADS"],
            age_s=channel.age_s,
        )

    def litter(channel):
        channel.send(left=tempfile.mkdtemp())
        channel.request()

    def fail(channel):
        raise ValueError("the network burns")
"""


@pytest.fixture
def workers(tmp_path, monkeypatch) -> str:
    """A module that the workers can import."""
    (tmp_path / "some_workers.py").write_text(textwrap.dedent(WORKERS))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "some_workers"


@pytest.fixture
def processors() -> list[int]:
    return sorted(os.sched_getaffinity(0))[:1]


def test_the_workers_are_measured_one_after_the_other_round_after_round(
    workers, processors, tmp_path
):
    file = tmp_path / "order"
    jobs = [
        Job(name, f"{workers}:log", {"name": name, "file": str(file)}) for name in ("A", "B", "C")
    ]
    turns = take_turns(jobs, processors, repetitions=2, request={"value": 7}, warm_up={"value": 0})
    assert file.read_text().split() == ["A0", "B0", "C0", "A7", "B7", "C7", "A7", "B7", "C7"]
    assert [start["name"] for start in turns.starts] == ["A", "B", "C"]
    assert turns.of(1) == [{"doubled": 14}] * 2


def test_a_worker_is_pinned_and_has_a_thread_for_each_processor(workers, processors):
    turns = take_turns([Job("it", f"{workers}:describe")], processors, repetitions=0, request={})
    (start,) = turns.starts
    assert start["processors"] == processors
    assert start["threads"] == "1"
    assert 0.0 < start["age_s"] < 100.0


def test_nothing_is_left_of_what_workers_kept_for_a_while(workers, processors):
    turns = take_turns([Job("it", f"{workers}:litter")], processors, repetitions=0, request={})
    assert not Path(turns.starts[0]["left"]).exists()


def test_a_worker_that_ends_is_named_with_its_last_words(workers, processors):
    with pytest.raises(BenchmarkError, match=r"(?s)TheirDQN.*the network burns"):
        take_turns([Job("TheirDQN", f"{workers}:fail")], processors, repetitions=1, request={})
