"""The driving task: what is learned, for N cars at once, wherever they live."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from f1_rl.circuits import BoolArray, FloatArray, IntArray, LapCounter, Poses, Projection
from f1_rl.driving.actions import ActionTable
from f1_rl.driving.cars import Cars
from f1_rl.driving.endings import find_endings
from f1_rl.driving.metrics import DriveMetrics, DriveReport
from f1_rl.driving.observation import FrameStack, Preprocessing, UInt8Array
from f1_rl.driving.rewards import Rewards
from f1_rl.driving.settings import StartSettings, TaskSettings, pedal_lead_s
from f1_rl.driving.step import Step
from f1_rl.simulation.traffic import clear_places


@dataclass(frozen=True)
class Starts:
    """Where K cars begin.

    Attributes:
        circuit_index: (K,) which of the circuits.
        arc_length_m: (K,) how far along it, in the driving direction.
        direction: (K,) +1 along the centre line, -1 against it.
        lateral_m: (K,) offset to the left.
        heading_error_rad: (K,) offset of the heading.
    """

    circuit_index: IntArray
    arc_length_m: FloatArray
    direction: IntArray
    lateral_m: FloatArray
    heading_error_rad: FloatArray

    def __getitem__(self, index: Any) -> "Starts":
        """Return some of them."""
        return Starts(
            self.circuit_index[index],
            self.arc_length_m[index],
            self.direction[index],
            self.lateral_m[index],
            self.heading_error_rad[index],
        )

    def check(self, count: int, circuits: int) -> None:
        """Refuse what cannot be where that many cars begin on that many circuits.

        Raises:
            ValueError: They are for another number of cars, or a value is none.
        """
        for name, values in vars(self).items():
            if np.shape(values) != (count,) or not np.isfinite(values).all():
                raise ValueError(f"starts: {name} is {values!r}; give a number for each car")
        if not np.isin(self.direction, (-1, 1)).all():
            raise ValueError(f"starts: direction is {self.direction!r}; give 1 or -1")
        if not np.isin(self.circuit_index, range(circuits)).all():
            raise ValueError(f"starts: circuit_index is {self.circuit_index!r}, of {circuits}")


@dataclass(frozen=True)
class Outcome:
    """What came of a step.

    Attributes:
        step: The step itself.
        rewards: (N,) float.
        reward_terms: The weighted reward of each rule, (N,) each.
        terminated, truncated: (N,) bool.
        reasons: (N,) the rule that ended each episode with this step, or empty.
    """

    step: Step
    rewards: FloatArray
    reward_terms: dict[str, FloatArray]
    terminated: BoolArray
    truncated: BoolArray
    reasons: list[str]


class DrivingTask:
    """Follows N cars through their episodes: observations, rewards, endings, laps and metrics."""

    def __init__(self, settings: TaskSettings, cars: Cars, actions: ActionTable) -> None:
        """Put the task on top of cars.

        Raises:
            SettingsError: A reward rule does not exist, or the observation does not fit the camera.
        """
        self.settings = settings
        self.cars = cars
        self.actions = actions
        self.preprocessing = Preprocessing(settings.observation, cars.camera)
        self._rewards = Rewards(settings.rewards)
        count = cars.num_cars
        self._stack = FrameStack(
            count, self.preprocessing.frame_shape, settings.observation.frame_stack
        )
        self._laps = LapCounter(count)
        self._metrics = DriveMetrics(count)
        self._direction = np.ones(count, np.int64)
        self._arc_length_m = np.zeros(count)
        self._commands = np.zeros((count, 2))
        self._furthest_m = np.zeros(count)
        self._advanced_at_s = np.zeros(count)
        self._reasons = [""] * count

    @property
    def num_cars(self) -> int:
        """N."""
        return self.cars.num_cars

    @property
    def laps(self) -> LapCounter:
        """Laps and lap times since each car's episode began; to be read only."""
        return self._laps

    @property
    def projection(self) -> Projection:
        """Where the cars are on their circuits, (N,)."""
        return self._project()

    def commands_of(self, actions: IntArray) -> FloatArray:
        """Return the commands (N, 2) of an action (N,) for each car, at the speeds they have."""
        commands = self.action_commands()
        return np.asarray(commands[np.arange(len(commands)), actions])

    def action_commands(self) -> FloatArray:
        """Return the commands (N, A, 2) of every action for each car, at the speeds they have."""
        cars = self.cars
        lead_s = pedal_lead_s(self.settings)
        return self.actions.commands_at(cars.speed_mps, cars.control_period_s, lead_s)

    def random_starts(self, count: int, rng: np.random.Generator) -> Starts:
        """Draw starts anywhere on the circuits, as the settings allow."""
        chosen: StartSettings = self.settings.starts
        circuits = rng.integers(0, len(self.cars.circuits), count)
        lengths = np.array([circuit.length_m for circuit in self.cars.circuits])[circuits]
        edges = np.array([circuit.narrowest_half_width_m for circuit in self.cars.circuits])
        lateral_m = np.minimum(chosen.lateral_m, 0.5 * edges[circuits])
        directions = {"forward": (1, 1), "backward": (-1, -1), "both": (-1, 1)}[chosen.direction]
        starts = Starts(
            circuit_index=circuits,
            arc_length_m=rng.random(count) * lengths,
            direction=rng.choice(directions, count),
            lateral_m=rng.uniform(-lateral_m, lateral_m),
            heading_error_rad=rng.uniform(-chosen.heading_rad, chosen.heading_rad, count),
        )
        return self.clear_of_traffic(starts)

    def clear_of_traffic(self, starts: Starts) -> Starts:
        """Return starts moved on to where no obstacle is near, if those begin in set places."""
        traffic = self.cars.traffic
        if not traffic.count or traffic.seed is None:
            return starts
        arc_length_m = starts.arc_length_m.copy()
        for index, circuit in enumerate(self.cars.circuits):
            here = np.flatnonzero(starts.circuit_index == index)
            arc_length_m[here] = clear_places(
                traffic, circuit, arc_length_m[here], starts.direction[here]
            )
        return replace(starts, arc_length_m=arc_length_m)

    def begin(
        self, cars: IntArray, starts: Starts, line_arc_length_m: FloatArray | None = None
    ) -> None:
        """Place some cars at the start of an episode.

        Args:
            cars: (K,) which cars.
            starts: Where each begins.
            line_arc_length_m: (K,) where their laps begin and end, in the driving direction; none:
                where they start.
        """
        poses = [np.zeros(len(cars)) for _ in range(3)]
        lengths = np.zeros(len(cars))
        for index, circuit in enumerate(self.cars.circuits):
            here = np.flatnonzero(starts.circuit_index == index)
            if not len(here):
                continue
            chosen = starts[here]
            placed = circuit.pose_at(
                chosen.arc_length_m, chosen.lateral_m, chosen.heading_error_rad, chosen.direction
            )
            lengths[here] = circuit.length_m
            for target, source in zip(poses, (placed.x_m, placed.y_m, placed.yaw_rad), strict=True):
                target[here] = source
        self.cars.place(cars, starts.circuit_index, Poses(*poses))
        self._direction[cars] = starts.direction
        arc_length_m = self._project().arc_length_m[cars]
        line_m = arc_length_m if line_arc_length_m is None else line_arc_length_m
        self._laps.reset(cars, arc_length_m, lengths, line_arc_length_m=line_m)
        self._metrics.reset(cars)
        self._arc_length_m[cars] = arc_length_m
        self._commands[cars] = 0.0
        self._furthest_m[cars] = 0.0
        self._advanced_at_s[cars] = 0.0
        for car in cars:
            self._reasons[car] = ""

    def observe(self, started: BoolArray) -> UInt8Array:
        """Look through the cameras and return the stacked frames `(N, R, C, K)`.

        To be called once after each `begin` or `step`.

        Args:
            started: (N,) cars whose episode has just begun.
        """
        self._stack.push(self.cars.view(self.preprocessing.view), started)
        return self._stack.array.copy()

    def last_frames(self) -> UInt8Array:
        """Return what `observe` returned last."""
        return self._stack.array.copy()

    def step(self, commands: FloatArray, active: BoolArray | None = None) -> Outcome:
        """Drive one control period.

        Args:
            commands: (N, 2) forward speed and yaw rate.
            active: (N,) cars whose drive counts; the others are commanded to stand and their
                outcome means nothing. None: all.
        """
        if active is None:
            active = np.ones(self.num_cars, np.bool_)
        commands = np.where(active[:, None], commands, 0.0)
        self.cars.step(commands)
        projection = self._project()
        time_s = self.cars.time_s
        # A car that does not count may still roll across the line.
        self._arc_length_m = np.where(active, projection.arc_length_m, self._arc_length_m)
        driven_m = self._laps.update(self._arc_length_m, time_s)
        progress_m = self._laps.progress_m
        further = progress_m > self._furthest_m + 0.1
        self._furthest_m = np.where(further, progress_m, self._furthest_m)
        self._advanced_at_s = np.where(further, time_s, self._advanced_at_s)
        first = time_s < 1.5 * self.cars.control_period_s
        step = Step(
            projection=projection,
            driven_m=driven_m,
            speed_mps=self.cars.speed_mps,
            yaw_rate_radps=self.cars.yaw_rate_radps,
            commands=commands,
            previous_commands=np.where(first[:, None], commands, self._commands),
            time_s=time_s,
            stalled_s=time_s - self._advanced_at_s,
            laps=self._laps.laps,
            control_period_s=self.cars.control_period_s,
            max_speed_mps=self.actions.max_speed_mps,
            max_yaw_rate_radps=self.actions.max_yaw_rate_radps,
            clearance_m=self.cars.clearance_m,
        )
        self._commands = commands
        terms = self._rewards.terms(step)
        rewards = np.sum(list(terms.values()), axis=0)
        self._metrics.update(step, rewards, active)
        endings = find_endings(self.settings.endings, step)
        reasons = [
            reason if counts else "" for reason, counts in zip(endings.reasons, active, strict=True)
        ]
        self._reasons = [now or before for now, before in zip(reasons, self._reasons, strict=True)]
        return Outcome(
            step, rewards, terms, endings.terminated & active, endings.truncated & active, reasons
        )

    def report(self, car: int) -> DriveReport:
        """Return how a car has driven since its episode began."""
        circuit = self.cars.circuits[int(self.cars.circuit_index[car])]
        return self._metrics.report(
            car,
            laps=int(self._laps.laps[car]),
            lap_time_s=float(self._laps.best_lap_time_s[car]),
            length_m=circuit.length_m,
            ending=self._reasons[car],
        )

    def state(self) -> dict[str, Any]:
        """Return everything that evolves, for a checkpoint."""
        return {
            "cars": self.cars.state(),
            "laps": self._laps.state(),
            "metrics": self._metrics.state(),
            "stack": self._stack.array.copy(),
            "direction": self._direction.copy(),
            "arc_length_m": self._arc_length_m.copy(),
            "commands": self._commands.copy(),
            "furthest_m": self._furthest_m.copy(),
            "advanced_at_s": self._advanced_at_s.copy(),
            "reasons": list(self._reasons),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.cars.restore(state["cars"])
        self._laps.restore(state["laps"])
        self._metrics.restore(state["metrics"])
        self._stack.array[...] = state["stack"]
        self._direction[...] = state["direction"]
        self._arc_length_m = np.array(state["arc_length_m"])
        self._commands = np.array(state["commands"])
        self._furthest_m = np.array(state["furthest_m"])
        self._advanced_at_s = np.array(state["advanced_at_s"])
        self._reasons = [str(reason) for reason in state["reasons"]]

    def _project(self) -> Projection:
        """Return where the cars are on their circuits."""
        circuits, poses = self.cars.circuits, self.cars.poses
        if len(circuits) == 1:
            return circuits[0].project(poses, self._direction)
        index = self.cars.circuit_index
        out = np.zeros((6, self.num_cars))
        for number in np.unique(index):
            here = np.flatnonzero(index == number)
            part = circuits[number].project(poses[here], self._direction[here])
            out[:, here] = (
                part.arc_length_m,
                part.lateral_error_m,
                part.heading_error_rad,
                part.curvature_per_m,
                part.width_left_m,
                part.width_right_m,
            )
        return Projection(*out)
