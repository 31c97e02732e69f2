"""Reward rules in a file of the user's own: named, run, and checked at every step."""

import gymnasium
import numpy as np
import pytest
from driving_helpers import make_step

import f1_rl  # noqa: F401 - registers the environment
from f1_rl.driving.rewards import Rewards
from f1_rl.settings import SettingsError, parse_assignment

RULES = """
import numpy as np

def fast(step):
    return step.speed_mps / step.max_speed_mps

def scalar(step):
    return 1.0

def undefined(step):
    return np.log(step.speed_mps - step.speed_mps - 1.0)

def absent(step):
    return step.throttle
"""


@pytest.fixture
def rules(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.py").write_text(RULES)


@pytest.mark.usefixtures("rules")
def test_a_function_in_a_file_is_a_rule_beside_the_packages():
    step = make_step(2, speed_mps=np.array([5.0, 2.5]))
    terms = Rewards({"rules.py:fast": 0.5, "lateral_error": 1.0}).terms(step)
    np.testing.assert_allclose(terms["rules.py:fast"], 0.5 * step.speed_mps / step.max_speed_mps)
    assert set(terms) == {"rules.py:fast", "lateral_error"}


@pytest.mark.usefixtures("rules")
def test_an_environment_takes_it_and_tells_it_apart():
    rewards = {"rules.py:fast": 2.0, "lateral_error": 1.0}
    env = gymnasium.make("f1_rl/F1Camera-v0", circuits=["oval"], rewards=rewards)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(0)
    assert info["reward/rules.py:fast"] == pytest.approx(2.0 * info["speed_mps"] / 7.0)
    assert reward == pytest.approx(info["reward/rules.py:fast"] + info["reward/lateral_error"])
    env.close()


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.py:fast", r"there is no file none.py in /.*; write its path"),
        (
            "rules.py:slow",
            r"no function 'slow'; write it there, or .* \(fast, scalar, undef",
        ),
        ("rules.py:np", "rules.py has no function 'np'"),
        ("rules.py", "there is no reward rule 'rules.py'; .* FILE.py:FUNCTION"),
        ("rules.txt:fast", "there is no reward rule 'rules.txt:fast'"),
    ],
)
def test_what_cannot_be_found_is_refused_in_a_sentence(name, reason):
    with pytest.raises(SettingsError, match=reason):
        Rewards({name: 1.0})


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def fast(step)\n", "rules.py cannot be run in line 1: expected ':'; correct the file"),
        ("import sys\nsys.exit(3)\n", "cannot be run in line 2: SystemExit: 3; correct the file"),
        ("\nimport no_such_module\n", "cannot be run in line 2: ModuleNotFoundError: No module"),
    ],
)
def test_a_file_that_does_not_run_is_refused_with_its_line(source, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.py").write_text(source)
    with pytest.raises(SettingsError, match=reason):
        Rewards({"rules.py:fast": 1.0})


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("scalar", r"returned an array of shape \(\) for 3 cars; give one .*, shape \(3,\)"),
        ("undefined", "returned nan; give finite numbers alone"),
        ("absent", "failed in line 14: AttributeError: 'Step' object has no attribute 'throttle'"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_it_returns_is_checked_at_every_step(function, reason):
    rewards = Rewards({f"rules.py:{function}": 1.0})
    with pytest.raises(SettingsError, match=reason):
        rewards.terms(make_step(3))


def test_its_name_is_written_with_set_like_any_other():
    assert parse_assignment("task.rewards.my/rules.py:fast=0.5") == {
        "task": {"rewards": {"my/rules.py:fast": 0.5}}
    }
