"""Each reward rule on steps made by hand, and their weighted sum."""

import numpy as np
import pytest
from driving_helpers import make_step

from f1_rl.driving.rewards import RULES, Rewards
from f1_rl.settings import SettingsError

# The road of these steps is 2 m wide to the left of the centre line and 1 m to the right.
CASES = [
    ("progress", {}, 1.0),
    ("progress", {"driven_m": 0.1}, 0.4),
    ("progress", {"driven_m": -0.1}, -0.4),
    ("progress", {"driven_m": 0.1, "lateral_error_m": 2.0}, 0.4),
    ("centred_progress", {}, 1.0),
    ("centred_progress", {"lateral_error_m": 1.0}, 0.75),
    ("centred_progress", {"lateral_error_m": -0.5}, 0.75),
    ("centred_progress", {"lateral_error_m": 2.0}, 0.0),
    ("centred_progress", {"lateral_error_m": -3.0}, 0.0),
    ("centred_progress", {"lateral_error_m": 1.0, "driven_m": -0.25}, -0.75),
    ("lateral_error", {"lateral_error_m": 1.0}, -0.25),
    ("lateral_error", {"lateral_error_m": -1.0}, -1.0),
    ("heading_error", {"heading_error_rad": -np.pi / 2}, -0.5),
    ("heading_error", {"heading_error_rad": np.pi}, -1.0),
    ("off_road", {"lateral_error_m": 1.9}, 0.0),
    ("off_road", {"lateral_error_m": 2.1}, -1.0),
    ("off_road", {"lateral_error_m": -1.1}, -1.0),
    ("collision", {}, 0.0),
    ("collision", {"clearance_m": np.array([0.01])}, 0.0),
    ("collision", {"clearance_m": np.array([0.0])}, -1.0),
    ("clearance", {}, 0.0),
    ("clearance", {"clearance_m": np.array([0.6])}, 0.0),
    ("clearance", {"clearance_m": np.array([0.25])}, -0.25),
    ("clearance", {"clearance_m": np.array([0.0])}, -1.0),
    ("steering_change", {"commands": (5.0, 2.0), "previous_commands": (5.0, -2.0)}, -1.0),
    ("steering_change", {"commands": (5.0, 1.0), "previous_commands": (2.0, 0.0)}, -0.25),
    ("centre_steps", {"lateral_error_m": 0.3}, 10.0),
    ("centre_steps", {"lateral_error_m": -0.3}, 2.0),
    ("centre_steps", {"lateral_error_m": 1.5}, 1.0),
    ("centre_steps", {"lateral_error_m": -0.95}, -100.0),
]


@pytest.mark.parametrize(("rule", "changes", "expected"), CASES)
def test_rules_give_what_they_say(rule, changes, expected):
    np.testing.assert_allclose(RULES[rule](make_step(**changes)), [expected])


def test_every_rule_has_a_case_here():
    assert {rule for rule, _, _ in CASES} == set(RULES)


def test_terms_are_weighted_and_told_one_by_one():
    step = make_step(2, lateral_error_m=[0.0, 1.0], driven_m=[0.25, 0.125])
    terms = Rewards({"progress": 2.0, "lateral_error": 0.5}).terms(step)
    np.testing.assert_allclose(terms["progress"], [2.0, 1.0])
    np.testing.assert_allclose(terms["lateral_error"], [0.0, -0.125])


def test_unknown_rules_and_no_rule_are_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"no reward rule 'speed'.*centred_progress"):
        Rewards({"progress": 1.0, "speed": 1.0})
    with pytest.raises(SettingsError, match="no reward is chosen"):
        Rewards({})
