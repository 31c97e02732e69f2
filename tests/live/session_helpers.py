"""Driving sessions over a clock of the test's own, through a real hub."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.circuits import Poses, wrap_angle
from f1_rl.driving.classical import LineFollower
from f1_rl.driving.settings import TaskSettings
from f1_rl.live.grid import PERSON
from f1_rl.live.hub import Hub
from f1_rl.live.session import Session
from f1_rl.live.snapshot import Moment
from f1_rl.policy import Policy
from f1_rl.settings import build_settings
from f1_rl.simulation.car_parameters import CAR

PERIOD_S = 0.05


class Stage:
    """A session, a page that watches it, and a clock."""

    def __init__(
        self, folder: Path, policy: Policy | None = None, circuit: str = "oval", **settings: Any
    ) -> None:
        self.hub = Hub()
        self.now_s = 100.0
        task = {} if policy is None else policy.task_settings.as_dict()
        chosen = build_settings(TaskSettings, {**task, "circuits": [circuit], **settings})
        self.session = Session(
            self.hub, chosen, policy, ghosts=folder / "ghosts.json", bags=folder, title="Test"
        )
        self.page = self.hub.join(lambda: None)

    @property
    def moment(self) -> Moment:
        """What was shown last, as the page may get it."""
        moment = self.hub._moment
        assert moment is not None
        return moment

    def send(self, kind: str, **members: Any) -> None:
        self.page.receive(json.dumps({"type": kind, **members}))

    def steer(self, throttle: float, steer: float = 0.0, page: str = "a") -> None:
        self.send("input", throttle=throttle, steer=steer, page=page)

    def step(self) -> Moment:
        self.session.step(self.now_s)
        self.now_s += PERIOD_S
        return self.moment

    def wait(self, seconds: float) -> list[Moment]:
        """Let time pass without a word from the page."""
        return [self.step() for _ in range(round(seconds / PERIOD_S))]

    def hold(self, seconds: float, throttle: float, steer: float = 0.0) -> list[Moment]:
        """Hold the controls, as a page does."""
        moments = []
        for _ in range(round(seconds / PERIOD_S)):
            self.steer(throttle, steer)
            moments.append(self.step())
        return moments


class Person:
    """Follows the line that the car sees, with throttle and steering, as a hand would."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._follower = LineFollower(stage.session.grid.task)

    def drive(self, seconds: float) -> list[Moment]:
        """Steer in every period."""
        return [self._drive_on() for _ in range(round(seconds / PERIOD_S))]

    def drive_lap(self, most_s: float = 60.0) -> Moment:
        """Drive until a lap is finished."""
        lap = self._stage.moment.lap
        for _ in range(round(most_s / PERIOD_S)):
            moment = self._drive_on()
            if moment.lap != lap:
                return moment
        raise AssertionError(f"no lap in {most_s} s: {moment.status}")

    def _drive_on(self) -> Moment:
        grid = self._stage.session.grid
        actions = grid.task.actions
        speed_mps, yaw_rate_radps = self._follower.commands(grid.observations)[PERSON]
        now_mps = float(grid.task.cars.speed_mps[PERSON])
        tightest = min(actions.max_yaw_rate_radps, max(now_mps, 0.1) / CAR.min_radius_m)
        throttle = speed_mps / actions.max_speed_mps
        if now_mps > speed_mps + 0.3:
            throttle = -1.0
        steer = max(-1.0, min(1.0, yaw_rate_radps / tightest))
        self._stage.steer(float(throttle), float(steer))
        return self._stage.step()


class KeyPresser:
    """Knows the circuit by heart, and presses or releases keys with a human's delay."""

    REACTION = 3

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._circuit = stage.session.grid.circuit
        self._pending = [(0.0, 0.0)] * self.REACTION

    def drive(self, seconds: float) -> list[Moment]:
        return [self._drive_on() for _ in range(round(seconds / PERIOD_S))]

    def _drive_on(self) -> Moment:
        stage, circuit = self._stage, self._circuit
        moment = stage.moment
        here_m, speed_mps = moment.arc_length_m or 0.0, moment.speed_mps
        ahead_m = 1.2 + 0.45 * speed_mps
        goal = circuit.pose_at(here_m + ahead_m)
        bearing = np.arctan2(goal.y_m - moment.pose.y_m, goal.x_m - moment.pose.x_m)
        angle = float(wrap_angle(bearing - moment.pose.yaw_rad)[0])
        bend = np.abs(circuit.curvature_at(here_m + np.linspace(0.5, 6.5, 13))).max()
        wanted_mps = min(7.0, 1.35 / max(bend, 1e-6))
        throttle = float(speed_mps < wanted_mps - 0.2) - float(speed_mps > wanted_mps + 0.6)
        turn = 2.0 * speed_mps * np.sin(angle) / ahead_m
        pressed = abs(turn) > max(0.25, abs(moment.command.yaw_rate_radps))
        self._pending.append((throttle, float(np.sign(turn)) if pressed else 0.0))
        stage.steer(*self._pending.pop(0))
        return stage.step()


def place_of(moment: Moment) -> Poses:
    """Return the pose of a moment, to project it."""
    assert moment.pose is not None
    return Poses(*(np.array([part]) for part in vars(moment.pose).values()))
