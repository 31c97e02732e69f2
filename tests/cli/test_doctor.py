"""`f1-rl doctor` as a verb: what it prints, and how it ends."""

import json

import pytest
from cli_helpers import tell

from f1_rl.cli import doctor
from f1_rl.cli.checks.finding import Finding, ok


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warn", 0), ("absent", 0), ("fail", 1)])
def test_it_fails_only_where_something_required_is_broken(monkeypatch, state, code):
    monkeypatch.setattr(doctor, "CHECKS", {"engine": lambda: Finding(state, "seen", "mend it")})
    told = tell("doctor")
    assert told.code == code
    assert "engine" in told.out
    assert "-> mend it" in told.out
    told = tell("doctor", "--json")
    assert told.code == code
    assert json.loads(told.out) == [
        {"name": "engine", "state": state, "detail": "seen", "remedy": "mend it"}
    ]


def test_a_check_that_fails_itself_does_not_keep_the_others_back(monkeypatch):
    def crash():
        raise KeyError("MemAvailable")

    monkeypatch.setattr(doctor, "CHECKS", {"memory": crash, "disk": lambda: ok("much")})
    told = tell("doctor")
    assert told.code == 0
    assert "KeyError" in told.out
    assert "much" in told.out


def test_only_some_are_checked_on_demand():
    told = tell("doctor", "--only", "python", "port", "--only", "disk", "--json")
    rows = json.loads(told.out)
    # In the order of all, whatever the order asked for.
    assert [row["name"] for row in rows] == ["python", "port", "disk"]
    assert {row["state"] for row in rows} <= {"ok", "warn"}


def test_the_interpreter_and_the_simulator_work_here():
    rows = json.loads(tell("doctor", "--only", "python", "kernels", "memory", "--json").out)
    assert [row["state"] for row in rows[:2]] == ["ok", "ok"]


def test_it_covers_what_the_package_depends_on():
    asked = {"python", "packages", "pins", "tensorflow", "keras", "gpu", "ros", "gazebo", "opengl"}
    asked |= {"disk", "temporary", "memory", "cores", "port", "multicast", "browser", "docker"}
    assert asked | {"kernels", "kernel-cache", "leftovers", "shared-memory"} <= set(doctor.CHECKS)
