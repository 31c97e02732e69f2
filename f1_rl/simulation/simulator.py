"""Many cars on circuits, each with a camera, advanced together one control period at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from f1_rl.circuits import Circuit, Poses
from f1_rl.simulation.appearance import Appearance
from f1_rl.simulation.camera import Camera, View
from f1_rl.simulation.obstacles import Obstacle, Obstacles
from f1_rl.simulation.renderer import Renderer
from f1_rl.simulation.scenery import Scenery
from f1_rl.simulation.shutter import Shutter
from f1_rl.simulation.traffic import NO_TRAFFIC, Traffic, load_traffic
from f1_rl.simulation.variation import Variation
from f1_rl.simulation.vehicles import (
    FloatArray,
    Vehicle,
    VehicleState,
    check_commands,
    make_vehicle,
)

_GOLDEN = np.uint32(0x9E3779B9)
"""2^32 over the golden ratio: spreads step numbers over the noise seeds."""


class Simulator:
    """N cars, each on one of the circuits, with camera, vehicle and delay.

    The cars know nothing of each other: each lives in a world of its own, with traffic of its own
    where there is some. It drives through what it touches; :attr:`clearance_m` tells. Before the
    first :meth:`place` they stand at the start line of the first circuit. Everything that happens
    follows from the seed and the calls; :meth:`state` and :meth:`restore` carry it over to another
    object, built with the same arguments. The arrays that properties return are copies.

    Attributes:
        circuits: The circuits.
        camera: The camera on each car.
        vehicle: The kind of car.
        control_period_s: Simulated time of one step.
        variation: From what appearances and delays are drawn.
        obstacles: What is in the way of each car.
        renderer: Draws for all cars.
    """

    def __init__(
        self,
        circuits: Sequence[Circuit],
        num_cars: int,
        *,
        camera: Camera | None = None,
        vehicle: str | Vehicle = "kinematic",
        control_period_s: float = 0.05,
        variation: Variation | None = None,
        traffic: str | Traffic = NO_TRAFFIC,
        seed: int | np.random.SeedSequence = 0,
    ) -> None:
        """Build the circuits' grounds and place the cars.

        Args:
            circuits: At least one.
            num_cars: Number of cars N, at least 1.
            camera: The camera; by default the field's.
            vehicle: ``"kinematic"``, ``"single_track"``, or a vehicle.
            control_period_s: Simulated time of one step, a whole multiple of 1 ms.
            variation: Ranges of appearance and delay; by default no variation.
            traffic: Obstacles of each car's world, or the name of a scenario.
            seed: Of appearances, delays, noise and traffic.

        Raises:
            ValueError: If an argument is out of its range.
        """
        if num_cars < 1:
            raise ValueError(f"Simulator of {num_cars} cars: give at least 1")
        self.circuits = tuple(circuits)
        self.camera = Camera() if camera is None else camera
        self.vehicle = make_vehicle(vehicle)
        self.control_period_s = control_period_s
        self.variation = Variation() if variation is None else variation
        self.obstacles = Obstacles(load_traffic(traffic), self.circuits, num_cars)
        self.renderer = Renderer(self.circuits, self.camera)
        self._period_ms = _whole_ms(control_period_s)
        self._rng = np.random.default_rng(seed)
        self._motion = VehicleState.at_rest(num_cars)
        self._circuit_index = np.zeros(num_cars, dtype=np.int64)
        self._steps = np.zeros(num_cars, dtype=np.int64)
        self._appearance = Appearance.nominal(num_cars)
        self._delay_ms = np.zeros(num_cars, dtype=np.int64)
        longest_ms = round(1000 * self.variation.action_delay_s[1])
        # The newest command is entry 0; a delay reaches back over so many whole periods, and
        # one more for its remainder.
        self._commands = np.zeros((longest_ms // self._period_ms + 2, num_cars, 2))
        # None: every picture is there at once.
        self._shutter: Shutter | None = None
        if self.variation.pictures_late:
            longest_ms = round(1000 * self.variation.image_delay_s[1])
            boxes = self.obstacles.traffic.count
            self._shutter = Shutter(num_cars, boxes, self._period_ms, longest_ms)
        cars = np.arange(num_cars)
        self.place(cars, self._circuit_index, self.circuits[0].pose_at(np.zeros(num_cars)))

    @property
    def num_cars(self) -> int:
        """Number of cars N."""
        return len(self._steps)

    @property
    def x_m(self) -> FloatArray:
        """Position, (N,)."""
        return self._motion.x_m.copy()

    @property
    def y_m(self) -> FloatArray:
        """Position, (N,)."""
        return self._motion.y_m.copy()

    @property
    def yaw_rad(self) -> FloatArray:
        """Heading in (-pi, pi], (N,)."""
        return self._motion.yaw_rad.copy()

    @property
    def speed_mps(self) -> FloatArray:
        """Forward speed, (N,)."""
        return self._motion.speed_mps.copy()

    @property
    def yaw_rate_radps(self) -> FloatArray:
        """Rate of turn, positive to the left, (N,)."""
        return self._motion.yaw_rate_radps.copy()

    @property
    def poses(self) -> Poses:
        """A copy of the cars' poses, (N,)."""
        motion = self._motion
        return Poses(motion.x_m.copy(), motion.y_m.copy(), motion.yaw_rad.copy())

    @property
    def circuit_index(self) -> NDArray[np.int64]:
        """Which of the circuits each car is on, (N,)."""
        return self._circuit_index.copy()

    @property
    def time_s(self) -> FloatArray:
        """Simulated time since each car was placed, (N,)."""
        return self._steps * self._period_ms / 1000.0

    @property
    def action_delay_s(self) -> FloatArray:
        """Time from a command to its effect, (N,)."""
        return self._delay_ms / 1000.0

    @property
    def image_delay_s(self) -> FloatArray:
        """Age of each car's pictures, (N,)."""
        if self._shutter is None:
            return np.zeros(self.num_cars)
        return self._shutter.delay_ms / 1000.0

    @property
    def traffic(self) -> Traffic:
        """The obstacles of each car's world."""
        return self.obstacles.traffic

    @property
    def clearance_m(self) -> FloatArray:
        """Least distance to an obstacle in the last period, 0.0 where touched, (N,)."""
        return self.obstacles.clearance_m.copy()

    def obstacles_around(self, car: int) -> tuple[Obstacle, ...]:
        """Where the obstacles of one car's world are."""
        return self.obstacles.around(car)

    @property
    def appearance(self) -> Appearance:
        """What each car's camera makes of the world at this moment, noise included; a copy."""
        return self._seen[np.arange(self.num_cars)]

    def reseed(self, seed: int | np.random.SeedSequence) -> None:
        """Begin a new sequence of appearances, delays and noise; what was placed stays as it is.

        Args:
            seed: As in the constructor.
        """
        self._rng = np.random.default_rng(seed)

    def place(
        self,
        cars: ArrayLike,
        circuit_index: ArrayLike,
        poses: Poses,
        traffic_time_s: FloatArray | None = None,
    ) -> None:
        """Put cars elsewhere, at rest, and draw a new appearance and delay for each.

        Args:
            cars: (K,) numbers of the cars, each at most once.
            circuit_index: (K,) the circuit each comes to; one number for all is allowed.
            poses: (K,) the new poses.
            traffic_time_s: (N,) time since the slower cars began; by default they begin anew.

        Raises:
            ValueError: If a number is out of range, lengths differ, or a pose is not finite.
        """
        which = np.atleast_1d(np.asarray(cars, dtype=np.int64))
        index = np.broadcast_to(np.asarray(circuit_index, dtype=np.int64), which.shape)
        if len(poses.x_m) != len(which):
            raise ValueError(f"Placing {len(which)} cars at {len(poses.x_m)} poses: give as many")
        if len(which) == 0:
            return
        if which.min() < 0 or which.max() >= self.num_cars:
            raise ValueError(f"Placing car {which.min()}..{which.max()} of {self.num_cars} cars")
        if index.min() < 0 or index.max() >= len(self.circuits):
            raise ValueError(
                f"Placing a car on circuit {index.min()}..{index.max()}: there are "
                f"{len(self.circuits)}"
            )
        pose = np.stack([poses.x_m, poses.y_m, poses.yaw_rad])
        if not np.isfinite(pose).all():
            raise ValueError("Placing a car at a pose that is not finite: give finite numbers")
        motion = self._motion
        motion.x_m[which], motion.y_m[which] = pose[0], pose[1]
        motion.yaw_rad[which] = np.pi - np.mod(np.pi - pose[2], 2 * np.pi)
        for array in (motion.speed_mps, motion.yaw_rate_radps, motion.steering_rad):
            array[which] = 0
        motion.acceleration_mps2[which] = 0
        self._steps[which] = 0
        self._circuit_index[which] = index
        self._commands[:, which] = 0.0
        self._appearance.assign(which, self.variation.sample(self._rng, len(which)))
        self._delay_ms[which] = self.variation.sample_action_delay_ms(self._rng, len(which))
        self.obstacles.place(which, index, self.poses[which], self._rng)
        if traffic_time_s is not None:
            self.obstacles.move(self._circuit_index, traffic_time_s)
        if self._shutter is not None:
            delay_ms = self.variation.sample_image_delay_ms(self._rng, len(which))
            dropped = self.variation.sample_dropped_frames(self._rng, len(which))
            self._shutter.place(which, motion, self.obstacles.poses_m, delay_ms, dropped)

    def step(self, commands: ArrayLike, traffic_time_s: FloatArray | None = None) -> None:
        """Advance all cars by one control period.

        A car with an action delay goes on with its earlier commands until the delay is over,
        also in the midst of a period.

        Args:
            commands: (N, 2) forward speed (m/s) and yaw rate (rad/s).
            traffic_time_s: (N,) time since the slower cars began, at the period's end; by default
                since each car was placed.

        Raises:
            ValueError: If their shape is another or one is not finite; no car has moved then.
        """
        newest = np.ascontiguousarray(commands, dtype=np.float64)
        check_commands(newest, self.num_cars)
        before = self.poses
        history = self._commands
        history[1:] = history[:-1]
        history[0] = newest
        if not self._delay_ms.any():
            period = np.full(self.num_cars, self._period_ms / 1000.0)
            self.vehicle.advance(self._motion, newest, period)
        else:
            periods, rest_ms = np.divmod(self._delay_ms, self._period_ms)
            cars = np.arange(self.num_cars)
            earlier, later = history[periods + 1, cars], history[periods, cars]
            self.vehicle.advance(self._motion, earlier, rest_ms / 1000.0)
            self.vehicle.advance(self._motion, later, (self._period_ms - rest_ms) / 1000.0)
        self._steps += 1
        now_s = self.time_s if traffic_time_s is None else traffic_time_s
        self.obstacles.advance(self._circuit_index, before, self.poses, now_s)
        if self._shutter is not None:
            boxes_m = self.obstacles.poses_m
            self._shutter.advance(self._motion, boxes_m, self._steps, self._rng)

    def view(self, view: View, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Draw what an observation needs of all cars' pictures.

        Args:
            view: Rows, column groups and channels.
            out: Array to draw into instead of a new one.

        Returns:
            (N, R, C, K) uint8.
        """
        scenery = self._scenery
        return self.renderer.view(self._circuit_index, self._here, self._seen, view, out, scenery)

    def frame(self, car: int) -> NDArray[np.uint8]:
        """Draw one car's whole picture.

        Args:
            car: Its number.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        return self.frame_later(car)()

    def frame_later(self, car: int) -> Callable[[], NDArray[np.uint8]]:
        """Return what draws one car's whole picture of this moment, whenever and in any thread.

        Args:
            car: Its number.

        Returns:
            A function that returns (H, W, 3) uint8 RGB.
        """
        one = np.array([car])
        index, poses, seen = self._circuit_index[one], self._here[one], self._seen[one]
        scenery = self._scenery[one]

        def draw() -> NDArray[np.uint8]:
            picture: NDArray[np.uint8] = self.renderer.frames(index, poses, seen, scenery)[0]
            return picture

        return draw

    @property
    def _seen(self) -> Appearance:
        steps = (self._steps if self._shutter is None else self._shutter.steps).astype(np.uint32)
        return replace(self._appearance, noise_seed=self._appearance.noise_seed + steps * _GOLDEN)

    @property
    def _here(self) -> Poses:
        if self._shutter is not None:
            return self._shutter.poses
        return Poses(self._motion.x_m, self._motion.y_m, self._motion.yaw_rad)

    @property
    def _scenery(self) -> Scenery:
        scenery = self.obstacles.scenery
        return scenery if self._shutter is None else replace(scenery, poses_m=self._shutter.boxes_m)

    def state(self) -> dict[str, Any]:
        """Everything that changes while cars drive, as plain arrays and numbers.

        Returns:
            A dictionary, independent of this object, that can be pickled.
        """
        return copy.deepcopy(
            {
                "motion": asdict(self._motion),
                "circuit_index": self._circuit_index,
                "steps": self._steps,
                "appearance": asdict(self._appearance),
                "delay_ms": self._delay_ms,
                "commands": self._commands,
                "shutter": None if self._shutter is None else self._shutter.state(),
                "rng": self._rng.bit_generator.state,
                "obstacles": self.obstacles.state(),
            }
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Args:
            state: What :meth:`state` of a simulator built with the same arguments returned.

        Raises:
            ValueError: If it is of another number of cars or another longest delay.
        """
        if state["commands"].shape != self._commands.shape:
            raise ValueError(
                f"Restoring a simulator with command history {state['commands'].shape} to one "
                f"with {self._commands.shape}: build it with the same cars, period and variation"
            )
        state = copy.deepcopy(state)
        if self._shutter is not None:
            self._shutter.restore(state["shutter"])
        # Checkpoints of earlier versions know of no lag.
        unlagged = {"acceleration_mps2": np.zeros(self.num_cars)}
        self._motion = VehicleState(**(unlagged | state["motion"]))
        self._circuit_index = state["circuit_index"]
        self._steps = state["steps"]
        # What was saved before there were effects has none.
        clear = asdict(Appearance.nominal(self.num_cars))
        self._appearance = Appearance(**{**clear, **state["appearance"]})
        self._delay_ms = state["delay_ms"]
        self._commands = state["commands"]
        self._rng.bit_generator.state = state["rng"]
        # Checkpoints of before there was traffic know of none.
        if "obstacles" in state:
            self.obstacles.restore(state["obstacles"])


def _whole_ms(control_period_s: float) -> int:
    period_ms = round(1000 * control_period_s) if np.isfinite(control_period_s) else 0
    if period_ms < 1 or abs(1000 * control_period_s - period_ms) > 1e-6:
        raise ValueError(
            f"Control period of {control_period_s} s: give a whole multiple of 0.001 s, at least it"
        )
    return period_ms
