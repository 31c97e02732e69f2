"""What two drives with the same commands differ by."""

import numpy as np

from f1_rl.driving.determinism import measure_divergence
from f1_rl.driving.environment import make_simulator
from f1_rl.driving.settings import TaskSettings
from f1_rl.settings import build_settings

TASK = {"camera": {"width": 64, "height": 48}}


def simulator(**changes):
    return make_simulator(build_settings(TaskSettings, {**TASK, **changes}), 1)


def test_the_embedded_simulator_does_the_same_twice():
    divergence = measure_divergence(simulator(), 30, 0, 5.0)
    assert divergence.identical
    assert divergence.pictures == 0
    assert divergence.position_m == 0.0


def test_noise_shows_in_the_pictures_alone():
    divergence = measure_divergence(simulator(variation={"noise_sigma": [5.0, 5.0]}), 30, 0, 5.0)
    assert divergence.first_step == 1
    assert divergence.pictures == 30
    assert divergence.pixel_share > 0.5
    assert divergence.position_m == 0.0


def test_a_command_that_is_lost_shows_from_that_step_on():
    cars = simulator()
    step, count = cars.step, 0

    def lossy(commands):
        nonlocal count
        count += 1
        # The 11th step of the second drive.
        step(np.zeros_like(commands) if count == 41 else commands)

    cars.step = lossy
    divergence = measure_divergence(cars, 30, 0, 5.0)
    assert divergence.first_step == 11
    assert 0.05 < divergence.position_m < 0.5
    assert divergence.duration_s == 0.0
