"""Named perturbations: each changes the task as it says, and nothing else."""

from dataclasses import asdict

import numpy as np
import pytest

from f1_rl.driving.environment import load_circuits, make_simulator
from f1_rl.driving.perturbations import (
    NOMINAL,
    Perturbation,
    chosen_perturbations,
    perturbations,
)
from f1_rl.driving.settings import TaskSettings
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Variation

OVAL = build_settings(TaskSettings, {"circuits": ["oval"], "variation": {"noise_sigma": [3, 9]}})


def pictures(name):
    """What the cameras of four cars show after a few steps, each with a sun of its own."""
    simulator = make_simulator(chosen_perturbations([name])[-1].applied(OVAL), 4)
    simulator.reseed(4)
    simulator.place(np.arange(4), 0, simulator.circuits[0].pose_at(np.full(4, 10.0)))
    for _ in range(3):
        simulator.step(np.tile([5.0, 0.8], (4, 1)))
    return np.array([simulator.frame(car) for car in range(4)]).astype(int)


@pytest.fixture(scope="module")
def nominal():
    plain = Perturbation(NOMINAL, "", {}).applied(OVAL)
    simulator = make_simulator(plain, 1)
    simulator.place([0], 0, simulator.circuits[0].pose_at([10.0]))
    for _ in range(3):
        simulator.step(np.array([[5.0, 0.8]]))
    return simulator.frame(0).astype(int)


def test_there_are_twelve_or_more_and_each_is_explained():
    assert len(perturbations()) >= 12
    for one in perturbations().values():
        assert one.description.endswith(".")
        assert one.changes


@pytest.mark.parametrize("name", [name for name in perturbations() if name != "dropped_frames"])
def test_every_perturbation_changes_the_picture(name, nominal):
    changed = (pictures(name) != nominal).any(axis=-1).mean(axis=(1, 2))
    assert changed.max() > 0.002


def test_lost_pictures_are_as_many_as_the_perturbation_says():
    applied = perturbations()["dropped_frames"].applied(OVAL)
    assert applied.variation == Variation(dropped_frames=(0.3, 0.3))


def test_nothing_but_the_perturbation_varies():
    plain = chosen_perturbations([])
    assert [one.name for one in plain] == [NOMINAL]
    assert plain[0].applied(OVAL).variation == Variation()
    foggy = perturbations()["fog"].applied(OVAL)
    assert asdict(foggy.variation) == {**asdict(Variation()), "fog_per_m": (0.2, 0.2)}
    assert foggy.circuits == OVAL.circuits


def test_a_road_without_a_line_has_none():
    without = perturbations()["no_line"].applied(OVAL)
    assert [circuit.has_line for circuit in load_circuits(without)] == [False]
    assert [circuit.line_width_m for circuit in load_circuits(OVAL)] == [0.1]


def test_a_line_of_another_width_is_painted_and_one_wider_than_the_road_refused():
    wide = build_settings(TaskSettings, {"circuits": ["oval"], "line_width_m": 0.2})
    assert load_circuits(wide)[0].line_width_m == 0.2
    with pytest.raises(ValueError, match="line of width 9 m"):
        load_circuits(build_settings(TaskSettings, {"line_width_m": 9.0}))


def test_names_are_chosen_once_and_in_their_own_order():
    names = [one.name for one in chosen_perturbations(["rain", "fog", "rain"])]
    assert names == [NOMINAL, "fog", "rain"]
    assert [one.name for one in chosen_perturbations(["all"])] == [NOMINAL, *perturbations()]


def test_a_name_that_is_none_is_refused_with_the_near_one():
    with pytest.raises(SettingsError, match=r"no perturbation 'fgo' \(did you mean 'fog'"):
        chosen_perturbations(["fgo"])
