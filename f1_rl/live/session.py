"""A live drive in the embedded simulator: the policy, a person, or both in a race."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.circuits import CircuitError, FloatArray, circuit_names
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.live.ghosts import Ghosts, gap_s, track_name
from f1_rl.live.grid import PERSON, POLICY, Grid, LapDriven, RoadLeft
from f1_rl.live.hub import Hub
from f1_rl.live.inputs import BRAKE, HandControl, Wheel
from f1_rl.live.notice import Notice
from f1_rl.live.pacing import Pacer
from f1_rl.live.recorder import DriveRecorder
from f1_rl.live.snapshot import (
    Command,
    Ghost,
    Moment,
    Pose,
    Scene,
    observation_picture,
)
from f1_rl.policy import Policy

# Who takes part in each mode; the first of them is the one that the page looks at.
MODES = {"policy": (POLICY,), "manual": (PERSON,), "race": (PERSON, POLICY)}
DRIVERS = {PERSON: "person", POLICY: "policy"}
_BEST_OF = {PERSON: "your best lap", POLICY: "the policy's best lap"}
_NAMES = {PERSON: "You", POLICY: "The policy"}
_LEFT = {
    "off_road": "left the road",
    "wrong_way": "turned the wrong way",
    "collision": "touched an obstacle",
    "stalled": "made no way",
}
# Time to lay one's hands on the keys before a race.
_COUNTDOWN_S = 3.0
# Below this share of real time the page says that the machine is too slow.
_KEEPS_UP = 0.95


class Session:
    """Drives in real time, follows what pages ask for, and shows them every moment.

    Attributes:
        grid: The cars on the circuit.
        mode: Who drives: `policy`, `manual` or `race`.
        ghosts: The best laps.
        recorder: Writes bags.
    """

    def __init__(
        self,
        hub: Hub,
        settings: TaskSettings,
        policy: Policy | None = None,
        *,
        ghosts: Path,
        bags: Path,
        title: str = "Drive",
    ) -> None:
        """Put the cars on the start line of the first circuit.

        Args:
            hub: Shows the moments, and knows what the pages ask for.
            settings: The task; its circuits are offered beside those of the library.
            policy: Drives; None: a person alone does.
            ghosts: File of the best laps.
            bags: Folder in which bags of recorded drives are made.
            title: Of the page.

        Raises:
            CircuitError: The circuit does not exist.
            PolicyError: The policy does not fit the task.
            OSError: The best laps cannot be read.
        """
        own = expand_circuit_names(settings.circuits)
        self._hub = hub
        self._settings = settings
        self._policy = policy
        self._title = title
        self._circuits = tuple(dict.fromkeys((*own, *circuit_names())))
        self.modes = tuple(MODES) if policy is not None else ("manual",)
        self.mode = self.modes[0]
        self.ghosts = Ghosts(ghosts)
        self._period_s = settings.control_period_ms / 1000
        folder = "" if policy is None else str(policy.folder)
        self.recorder = DriveRecorder(bags, self._period_s, folder)
        self._notice = Notice()
        self._wheel = Wheel()
        self._paused = False
        self._real_time_factor = 1.0
        self._values: FloatArray | None = None
        self._command = Command(0.0, 0.0)
        self._set_grid(Grid(settings, own[0], policy))
        if self.ghosts.warning:
            self._notice.say(self.ghosts.warning, time.monotonic())

    def run(self, stop: threading.Event) -> None:
        """Drive in real time until told to stop.

        Args:
            stop: Ends it when set.
        """
        pacer = Pacer(self._period_s, sleep=stop.wait)
        try:
            while not stop.is_set():
                grid = self.grid
                self._real_time_factor = pacer.real_time_factor
                self.step(time.monotonic())
                if self.grid is not grid:
                    # Building a circuit takes a while, which is not to be made up for.
                    pacer.restart()
                pacer.wait()
        finally:
            self.close()

    def close(self) -> None:
        """Finish what is being recorded."""
        self.recorder.end()

    def step(self, now_s: float) -> None:
        """Follow what pages ask for, drive one control period, and show it.

        Args:
            now_s: Time on a steady clock.
        """
        for message in self._hub.take_messages():
            self._follow(message, now_s)
        if self._paused:
            pass
        elif self._periods_to_start > 0:
            self._periods_to_start -= 1
        else:
            self._drive(now_s)
        self._notice.say(self.recorder.failure(), now_s)
        self._hub.show(self._moment(now_s))

    @property
    def _focus(self) -> int:
        """The car that the page looks at."""
        return MODES[self.mode][0]

    def _follow(self, message: dict[str, Any], now_s: float) -> None:
        """Do what a page asks for."""
        kind, value = message["type"], message.get("value")
        if kind == "input":
            self._wheel.hear(message, now_s)
        elif kind == "pause":
            self._paused = bool(value)
        elif kind == "restart":
            self._notice.clear()
            self._start()
        elif kind == "record":
            self._record(bool(value), now_s)
        elif kind == "mode" and value in self.modes:
            self._notice.clear()
            self._notice.say(self.recorder.end(), now_s)
            self.mode = str(value)
            self._start()
        elif kind == "circuit":
            self._change_circuit(str(value), now_s)

    def _record(self, begin: bool, now_s: float) -> None:
        if begin:
            driver = DRIVERS[self._focus]
            self._notice.say(self.recorder.begin(self.grid.circuit.name, driver), now_s)
        else:
            self._notice.say(self.recorder.end(), now_s)

    def _change_circuit(self, name: str, now_s: float) -> None:
        try:
            grid = Grid(self._settings, name, self._policy)
        except CircuitError as error:
            self._notice.say(str(error), now_s)
            return
        self._notice.clear()
        self._notice.say(self.recorder.end(), now_s)
        self._set_grid(grid)

    def _set_grid(self, grid: Grid) -> None:
        actions = grid.task.actions
        self.grid = grid
        self._track = track_name(grid.circuit, self._settings.vehicle)
        self._control = HandControl(
            actions.max_speed_mps, actions.max_yaw_rate_radps, self._period_s
        )
        self._hub.set_scene(
            Scene(
                title=self._title,
                kind="drive",
                circuit=grid.circuit,
                action_names=actions.action_names if self._policy is not None else (),
                modes=self.modes,
                circuits=self._circuits,
                control_period_s=self._period_s,
                max_speed_mps=actions.max_speed_mps,
                max_yaw_rate_radps=actions.max_yaw_rate_radps,
            )
        )
        self._start()

    def _start(self) -> None:
        """Put everybody on the start line."""
        self.grid.start(MODES[self.mode])
        self._control.reset()
        self._paused = False
        countdown_s = _COUNTDOWN_S if self.mode == "race" else 0.0
        self._periods_to_start = round(countdown_s / self._period_s)
        self._command = Command(0.0, 0.0)
        self._look()

    def _look(self) -> None:
        """Have the policy value what is seen now."""
        if self._policy is not None:
            values = self._policy.observation_values(self.grid.observations)
            self._values = np.asarray(values, np.float64)

    def _drive(self, now_s: float) -> None:
        """Drive one control period."""
        commands = self._commands(now_s)
        self._command = Command(*(float(part) for part in commands[self._focus]))
        if self.recorder.recording:
            self._add_to_recording()
        away = self.grid.is_away(PERSON)
        for event in self.grid.step(commands):
            self._tell(event, now_s)
        if away and not self.grid.is_away(PERSON):
            self._control.reset()
        self._look()

    def _commands(self, now_s: float) -> FloatArray:
        """Return what each car is told, (N, 2)."""
        commands = np.zeros((self.grid.task.num_cars, 2))
        if PERSON in self.grid.logs:
            away = self.grid.is_away(PERSON)
            commands[PERSON] = self._control.command(BRAKE if away else self._wheel.read(now_s))
        if self._policy is not None and self._values is not None and not self.grid.is_away(POLICY):
            best = int(self._values[POLICY].argmax())
            commands[POLICY] = self.grid.task.commands_of(np.full(len(commands), best))[POLICY]
        return commands

    def _add_to_recording(self) -> None:
        cars, car = self.grid.task.cars, self._focus
        motion = float(cars.speed_mps[car]), float(cars.yaw_rate_radps[car])
        self.recorder.add(cars.frame(car), self.grid.logs[car].pose, motion, self._command)

    def _tell(self, event: LapDriven | RoadLeft, now_s: float) -> None:
        """Say what has happened, and keep a best lap."""
        who = _NAMES[event.car]
        if isinstance(event, RoadLeft):
            where = "on the start line" if self.mode == "policy" else "on the road"
            what = _LEFT.get(event.reason, event.reason)
            self._notice.say(f"{who} {what}: the car is put back {where}.", now_s)
            return
        lap_s = event.lap.time_s[-1]
        try:
            best = self.ghosts.offer(self._track, DRIVERS[event.car], event.lap)
        except OSError as error:
            reason = error.strerror or str(error)
            self._notice.say(f"{self.ghosts.path}: cannot be written ({reason}).", now_s)
            return
        record = ", the best so far" if best else ""
        self._notice.say(f"{who} drove a lap in {lap_s:.2f} s{record}.", now_s)

    def _moment(self, now_s: float) -> Moment:
        """Return what is to be seen now."""
        grid, car = self.grid, self._focus
        log, task, values = grid.logs[car], grid.task, self._values
        outcome = grid.outcome
        projection = None if outcome is None else outcome.step.projection
        channels = task.preprocessing.frame_shape[2]
        watched = self._hub.watched
        return Moment(
            time_s=grid.time_s,
            camera=grid.camera(car) if watched else None,
            observation=observation_picture(grid.frames(car), channels) if watched else None,
            q_values=None if values is None else values[car],
            action=int(values[car].argmax()) if values is not None and car == POLICY else None,
            command=self._command,
            speed_mps=float(task.cars.speed_mps[car]),
            pose=log.pose,
            arc_length_m=None if projection is None else float(projection.arc_length_m[car]),
            lateral_error_m=None if projection is None else float(projection.lateral_error_m[car]),
            lap=log.lap,
            lap_time_s=log.lap_time_s,
            last_lap_s=log.last_lap_s,
            best_lap_s=log.best_lap_s,
            reward=None if outcome is None else float(outcome.rewards[car]),
            mode=self.mode,
            paused=self._paused,
            recording=self.recorder.figures(),
            steered_by=self._wheel.holder,
            ghosts=self._ghosts(),
            obstacles=task.cars.obstacles_around(car),
            status=self._standing_still() or self._notice.text(now_s) or self._usual_status(now_s),
        )

    def _ghosts(self) -> tuple[Ghost, ...]:
        """Return the policy's car in a race, and the best laps where the lap is timed."""
        grid, focus = self.grid, self._focus
        log = grid.logs[focus]
        ghosts = []
        if self.mode == "race":
            rival = grid.logs[POLICY]
            gap = gap_s(log.race_trace, rival.race_trace)
            ghosts.append(_ghost("the policy", rival.pose, gap))
        if log.lap_time_s is None:
            return tuple(ghosts)
        for car, name in _BEST_OF.items():
            lap = self.ghosts.best(self._track).get(DRIVERS[car])
            if lap is not None and not (self.mode == "race" and car == POLICY):
                gap = gap_s(log.lap_trace, lap)
                ghosts.append(_ghost(name, lap.pose_at(log.lap_time_s), gap))
        return tuple(ghosts)

    def _standing_still(self) -> str:
        """Return why nobody drives, where that is so."""
        if self._paused:
            return "Paused."
        if self._periods_to_start > 0:
            seconds = math.ceil(self._periods_to_start * self._period_s)
            return f"The race begins in {seconds} s."
        return ""

    def _usual_status(self, now_s: float) -> str:
        """Return what to say where nothing has happened; it changes rarely."""
        steered = self.mode != "policy" and self._wheel.holder is not None
        if steered and self._wheel.silent(now_s):
            return "The page that steers has fallen silent: the car brakes."
        if self._real_time_factor < _KEEPS_UP:
            share = round(10 * self._real_time_factor) * 10
            return f"This machine is too slow: the drive runs at some {share} % of real time."
        if self.mode == "policy":
            return "The policy drives."
        if not steered:
            return "You drive: press the up arrow or W, use a gamepad, or touch the pads."
        return "You drive." if self.mode == "manual" else "You race the policy."


def _ghost(name: str, pose: Pose, gap: float | None) -> Ghost:
    return Ghost(name, pose.x_m, pose.y_m, pose.yaw_rad, gap)
