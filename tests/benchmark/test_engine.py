"""Engine parity: equal work, ratios with intervals, targets judged by the whole interval."""

from dataclasses import replace

import pytest

from f1_rl.benchmark import engine, systems
from f1_rl.benchmark.groups import GROUPS, Entry, Group
from f1_rl.benchmark.track import Options, Outcome
from f1_rl.benchmark.turns import BenchmarkError, Turns
from f1_rl.benchmark.work import CARTPOLE, Work
from f1_rl.settings import SettingsError, build_settings

# Environment steps in a second, one column for each entry, one row for each round.
ROUNDS = ((4000, 8000, 100, 400), (4400, 8800, 110, 500), (3600, 7200, 90, 600))
WORK = Work(preset=CARTPOLE)
GATHERED = Work(preset=CARTPOLE, steps_per_call=8)


def measure(monkeypatch, *, targets: dict[str, float], parameters=(702,) * 4) -> Outcome:
    """Return what the track makes of `ROUNDS`."""
    entries = (
        Entry("ours", WORK),
        Entry("ours", GATHERED),
        Entry("tf-agents", WORK),
        Entry("sb3", WORK),
    )
    starts = [{"import_s": 2.0, "first_update_s": 5.0, "parameters": n} for n in parameters]
    rounds = tuple(
        tuple({"env_steps": steps, "updates": steps, "seconds": 1.0} for steps in row)
        for row in ROUNDS
    )
    monkeypatch.setattr(engine, "GROUPS", [Group("poles", "Poles", entries, targets)])
    monkeypatch.setattr(systems, "missing", lambda *_: {})
    monkeypatch.setattr(engine, "interpreter", lambda *_: "python")
    monkeypatch.setattr(engine, "take_turns", lambda *_, **__: Turns(tuple(starts), rounds))
    return engine.measure_engine(Options((0,), say=lambda _: None))


def test_ratios_are_those_of_the_fastest_of_ours_with_intervals_from_the_pairs(monkeypatch):
    rates, _ = measure(monkeypatch, targets={}).tables
    rows = {row[0]: row for row in rates.rows}
    ratio = rates.headings.index("f1_rl is times")
    assert rows["f1_rl, 8 updates every 8 steps"][ratio] == "1.00"
    assert rows["TF-Agents"][ratio] == "80.0"
    assert rows["f1_rl"][ratio] == "2.00"
    assert rows["Stable-Baselines3"][ratio] == "16.0 (12.0 to 20.0)"
    assert rows["Stable-Baselines3"][rates.headings.index("samples per step")] == "64.0"
    assert rows["TF-Agents"][1].startswith("100 (90.0 to 110")


def test_a_target_is_reached_if_the_whole_interval_is(monkeypatch):
    outcome = measure(monkeypatch, targets={"tf-agents": 40.0, "sb3": 15.0, "sbx": 1.5})
    reached = {row[0].partition(": ")[2]: row[-1] for row in outcome.tables[-1].rows}
    assert reached == {"TF-Agents": "yes", "Stable-Baselines3": "no"}


def test_every_measurement_is_kept(monkeypatch):
    raw = measure(monkeypatch, targets={}).raw
    assert [row["env_steps"] for row in raw if row["system"] == "sb3"] == [400, 500, 600]


def test_networks_of_different_sizes_are_not_compared(monkeypatch):
    with pytest.raises(BenchmarkError, match=r"the networks differ: \[702, 703\]"):
        measure(monkeypatch, targets={}, parameters=(702, 702, 703, 702))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_all_entries_of_a_group_do_equal_work(group):
    first = group.entries[0].work
    for entry in group.entries:
        assert entry.work == replaced(first, steps_per_call=entry.work.steps_per_call)
        assert entry.work.updates_per_call * first.steps_per_update == entry.work.steps_per_call
    assert group.entries[0].system == "ours"


def replaced(work: Work, **changes: int) -> Work:
    return build_settings(Work, {**work.as_dict(), **changes})


def test_the_settings_are_the_same_arithmetic_for_everybody():
    settings = replaced(WORK, num_envs=4, steps_per_call=8, steps_per_update=2).settings()
    assert settings.agent.algorithm == "dqn"
    assert settings.agent.loss == "huber"
    assert settings.training.train_every == 2
    assert settings.training.updates_per_call == 4
    assert settings.training.epsilon_start == settings.training.epsilon_end


def test_work_whose_calls_do_not_divide_is_refused():
    with pytest.raises(SettingsError, match="multiple of num_envs"):
        replaced(WORK, num_envs=4, steps_per_call=6)


def test_a_system_can_be_left_out():
    group = GROUPS[0]
    left = engine.without(group, {"sb3", "sbx"})
    assert {entry.system for entry in left.entries} == {"ours", "tf-agents"}
    assert replace(left, entries=group.entries) == group
