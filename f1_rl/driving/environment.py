"""The driving task as Gymnasium environments: one car, and many at once."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv

from f1_rl.circuits import BoolArray, Circuit, CircuitError, load_circuit
from f1_rl.driving.actions import load_action_table
from f1_rl.driving.cars import CarFault, Cars
from f1_rl.driving.settings import TaskSettings, expand_circuit_names, vehicle_of
from f1_rl.driving.task import DrivingTask, Outcome, Starts
from f1_rl.settings import build_settings
from f1_rl.simulation import Simulator

Observation = npt.NDArray[np.uint8] | dict[str, npt.NDArray[Any]]

# A speed observation of 1 stands for this speed.
SPEED_UNIT_MPS = 10.0


def load_circuits(settings: TaskSettings) -> list[Circuit]:
    """Return the circuits of the task, ranges of random ones written out.

    Raises:
        CircuitError: A circuit does not exist or cannot be used, or different ones share a name.
    """
    names = expand_circuit_names(settings.circuits)
    circuits = [load_circuit(name, scale=settings.circuit_scale) for name in names]
    _check_different_names(names, circuits)
    if settings.line_width_m is None:
        return circuits
    return [circuit.with_line(settings.line_width_m) for circuit in circuits]


def _check_different_names(sources: Sequence[str], circuits: Sequence[Circuit]) -> None:
    """Refuse different circuits of one name, by which laps, limits and tables tell them apart."""
    known: dict[str, tuple[str, Circuit]] = {}
    for source, circuit in zip(sources, circuits, strict=True):
        first, other = known.setdefault(circuit.name, (source, circuit))
        if circuit != other:
            raise CircuitError(
                f"{first} and {source} are different circuits, both named {circuit.name!r}; "
                "rename one of the files."
            )


def make_simulator(
    settings: TaskSettings, num_cars: int, circuits: Sequence[Circuit] | None = None
) -> Simulator:
    """Return the embedded simulator that the settings describe.

    Args:
        settings: The task.
        num_cars: Cars that drive at once.
        circuits: Those of the task, where they are loaded already.

    Raises:
        CircuitError: A circuit does not exist or cannot be used.
        ValueError: The control period or the camera cannot be used.
    """
    return Simulator(
        load_circuits(settings) if circuits is None else circuits,
        num_cars,
        camera=settings.camera,
        vehicle=vehicle_of(settings),
        control_period_s=settings.control_period_ms / 1000,
        variation=settings.variation,
        traffic=settings.traffic,
    )


def make_task(settings: TaskSettings, num_cars: int = 1, cars: Cars | None = None) -> DrivingTask:
    """Return the driving task for cars of the embedded simulator, or for the given ones."""
    return DrivingTask(
        settings,
        make_simulator(settings, num_cars) if cars is None else cars,
        load_action_table(settings.actions),
    )


def observation_space(task: DrivingTask) -> gym.Space[Any]:
    """Return the observation space of one car."""
    rows, columns, channels = task.preprocessing.frame_shape
    observation = task.settings.observation
    frames = gym.spaces.Box(0, 255, (rows, columns, channels * observation.frame_stack), np.uint8)
    if not observation.speed:
        return frames
    speed = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    return gym.spaces.Dict({"frames": frames, "speed": speed})


def observe(task: DrivingTask, started: BoolArray) -> Observation:
    """Return the observations of all cars, as the observation space says, batched."""
    return _with_speed(task, task.observe(started))


def _with_speed(task: DrivingTask, frames: npt.NDArray[np.uint8]) -> Observation:
    if not task.settings.observation.speed:
        return frames
    speed = (task.cars.speed_mps / SPEED_UNIT_MPS).astype(np.float32)
    return {"frames": frames, "speed": speed[:, None]}


def _info(outcome: Outcome) -> dict[str, npt.NDArray[Any]]:
    projection = outcome.step.projection
    info: dict[str, npt.NDArray[Any]] = {
        "arc_length_m": projection.arc_length_m,
        "lateral_error_m": projection.lateral_error_m,
        "heading_error_rad": projection.heading_error_rad,
        "speed_mps": outcome.step.speed_mps,
        "driven_m": outcome.step.driven_m,
        "laps": outcome.step.laps,
        "collided": outcome.step.collided,
        "ending": np.array(outcome.reasons),
    }
    info.update({f"reward/{name}": term for name, term in outcome.reward_terms.items()})
    return info


class F1CameraVectorEnv(VectorEnv[Any, Any, Any]):
    """Many cars that drive at once: the array version of `F1CameraEnv`.

    `gymnasium.make_vec("f1_rl/F1Camera-v0", num_envs=32)` gives it. One call draws all cameras
    and drives all cars. Where an episode has ended, the next call resets that car, whatever its
    action (`AutoresetMode.NEXT_STEP`). So the last observation and `infos` of an episode are those
    of the step that ended it, and nothing is called `final_obs` or `final_info`.

    `infos` holds an array of N values for each entry of one car's `info`, and under the same name
    with an underscore before it which cars have that entry. `infos["drive"]`, where an episode has
    ended, is a dictionary of such arrays.

    Where the cars could not be driven (`CarFault`), all episodes are truncated and
    `infos["fault"]` says why: nothing may be learned from such a step.
    """

    metadata = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        render_mode: str | None = None,
        cars: Cars | None = None,
        **settings: Any,
    ) -> None:
        """Make the environment.

        Args:
            num_envs: Number of cars N.
            render_mode: `rgb_array` or none.
            cars: Cars that live elsewhere than in the embedded simulator.
            **settings: The fields of `TaskSettings`.

        Raises:
            SettingsError: A setting does not exist or does not fit.
            ValueError: There is no such render mode.
        """
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode {render_mode!r}: many cars have rgb_array only.")
        task_settings = build_settings(TaskSettings, settings, "environment")
        self.task = make_task(task_settings, num_envs, cars)
        self.num_envs = num_envs
        self.render_mode = render_mode
        # Learners ask for it, to keep each frame once.
        self.frame_stack = task_settings.observation.frame_stack
        self.single_observation_space = observation_space(self.task)
        self.single_action_space = gym.spaces.Discrete(len(self.task.actions))
        self.observation_space = gym.vector.utils.batch_space(
            self.single_observation_space, num_envs
        )
        self.action_space = gym.vector.utils.batch_space(self.single_action_space, num_envs)
        self._all = np.arange(num_envs)
        self._ended = np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode with every car.

        Args:
            seed: One seed for the whole array; of a list, the first is taken.
            options: `starts`: where to begin, `Starts`; without it, anywhere.

        Raises:
            ValueError: There are other options, or the starts do not fit.
        """
        if isinstance(seed, list):
            seed = seed[0]
        super().reset(seed=seed)
        if seed is not None and isinstance(self.task.cars, Simulator):
            self.task.cars.reseed(seed)
        starts = _told_starts(options, self.task)
        if starts is None:
            starts = self.task.random_starts(self.num_envs, self.np_random)
        self.task.begin(self._all, starts)
        self._ended[:] = False
        return observe(self.task, np.ones(self.num_envs, np.bool_)), {}

    def step(
        self, actions: npt.ArrayLike
    ) -> tuple[Observation, npt.NDArray[Any], BoolArray, BoolArray, dict[str, Any]]:
        """Drive one control period with every car, and reset those whose episode has ended.

        Args:
            actions: (N,) indices into the action table.

        Raises:
            ValueError: An action is not in the table, or there is not one for each car.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,):
            raise ValueError(f"actions {actions}: give one for each of {self.num_envs} cars")
        if ((actions < 0) | (actions >= len(self.task.actions))).any():
            raise ValueError(f"actions {actions}: each must be 0 to {len(self.task.actions) - 1}")
        resets = self._ended
        if resets.all():
            # Nobody drives: cars behind topics that cannot may still be brought back.
            return self._reset_all()
        try:
            outcome = self.task.step(self.task.commands_of(actions), ~resets)
        except CarFault as fault:
            return self._faulted(fault)
        if resets.any():
            cars = np.flatnonzero(resets)
            self.task.begin(cars, self.task.random_starts(len(cars), self.np_random))
        self._ended = outcome.terminated | outcome.truncated
        rewards = np.where(resets, 0.0, outcome.rewards)
        observations = observe(self.task, resets)
        infos = self._infos(outcome, ~resets)
        return observations, rewards, outcome.terminated, outcome.truncated, infos

    def render(self) -> tuple[npt.NDArray[np.uint8], ...] | None:
        """Return the picture of every car's camera, `(H, W, 3)` each."""
        if self.render_mode != "rgb_array":
            return None
        return tuple(self.task.cars.frame(car) for car in range(self.num_envs))

    def state(self) -> dict[str, Any] | None:
        """Return everything that evolves, for a checkpoint; None: it cannot be taken back."""
        return {
            "task": self.task.state(),
            "ended": self._ended.copy(),
            "random": self.np_random.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned; the next call may be `step`."""
        self.task.restore(state["task"])
        self._ended = np.array(state["ended"])
        self.np_random.bit_generator.state = state["random"]

    def last_observations(self) -> Observation:
        """Return the current observations again, without looking anew."""
        return _with_speed(self.task, self.task.last_frames())

    def _reset_all(
        self,
    ) -> tuple[Observation, npt.NDArray[Any], BoolArray, BoolArray, dict[str, Any]]:
        self.task.begin(self._all, self.task.random_starts(self.num_envs, self.np_random))
        self._ended = np.zeros(self.num_envs, np.bool_)
        observations = observe(self.task, np.ones(self.num_envs, np.bool_))
        nothing = np.zeros(self.num_envs)
        return observations, nothing, nothing > 0, nothing > 0, {}

    def _faulted(
        self, fault: CarFault
    ) -> tuple[Observation, npt.NDArray[Any], BoolArray, BoolArray, dict[str, Any]]:
        self._ended = np.ones(self.num_envs, np.bool_)
        nothing, every = np.zeros(self.num_envs), self._ended.copy()
        infos = {"fault": np.array([str(fault)] * self.num_envs), "_fault": every}
        return self.last_observations(), nothing, nothing > 0, every, infos

    def _infos(self, outcome: Outcome, present: BoolArray) -> dict[str, Any]:
        """Return the infos, with the mask of the cars that drove instead of being reset."""
        infos: dict[str, Any] = {}
        for name, values in _info(outcome).items():
            infos[name] = values
            infos[f"_{name}"] = present
        for car in np.flatnonzero(self._ended):
            infos = self._add_info(infos, {"drive": self.task.report(car).as_dict()}, int(car))
        return infos


class F1CameraEnv(gym.Env[Any, Any]):
    """A Formula 1 car that drives around a circuit by its camera.

    ## Description
    The car of the field's Gazebo worlds, its camera and its circuits, in an embedded simulator.
    The task: drive along the circuit, fast and near its centre line.

    ## Action Space
    `Discrete(A)`: an entry of an action table, a forward speed (m/s) and a yaw rate (rad/s) that
    are commanded for one control period. The default table `racing` has 7. Entries of the table
    `pedals` are throttle or brake, and steering, instead.

    ## Observation Space
    `Box(0, 255, (24, 64, 2), uint8)`: the last two camera frames, the newer last, each reduced to
    the red channel of 24 rows that show the ground from 12 m to 0.25 m ahead, with 640 columns
    averaged to 64. With `observation={"speed": True}` a `Dict` of `frames` and
    `speed` (`Box(-inf, inf, (1,), float32)`, in units of 10 m/s).

    ## Rewards
    The weighted sum of named rules, each in `info` as `reward/<name>`. By default two, with
    `e = lateral error / half width`: `centred_progress`, the distance driven along the circuit as
    a share of what full speed would drive, times `1 - e^2`; and `lateral_error`, `-e^2`.

    ## Starting State
    Standing, anywhere on the circuits, in either direction, up to 0.5 m beside the centre line and
    0.3 rad off its heading. `reset(options={"starts": Starts(...)})` chooses.

    ## Episode Termination
    The car's centre leaves the road, the car points against the driving direction, or it makes no
    way for 3 s.

    ## Episode Truncation
    After 60 s, or a chosen number of laps. `info["ending"]` names the rule, and at the end
    `info["drive"]` holds the episode's metrics. Also where a car behind topics cannot be seen or
    moved: then `info["fault"]` says why, and nothing may be learned from that step.

    ## Arguments
    The fields of `TaskSettings` by name, for example
    `gymnasium.make("f1_rl/F1Camera-v0", circuits=["oval"], endings={"laps": 1})`, and `cars` for
    cars that live elsewhere.

    ## Version History
    * v0: first version.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self, render_mode: str | None = None, cars: Cars | None = None, **settings: Any
    ) -> None:
        """Make the environment.

        Args:
            render_mode: `rgb_array`, `human` or none.
            cars: A car that lives elsewhere than in the embedded simulator.
            **settings: The fields of `TaskSettings`.

        Raises:
            SettingsError: A setting does not exist or does not fit.
            ValueError: There is no such render mode.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode {render_mode!r}: choose rgb_array or human.")
        task_settings = build_settings(TaskSettings, settings, "environment")
        self.task = make_task(task_settings, 1, cars)
        self.render_mode = render_mode
        self.frame_stack = task_settings.observation.frame_stack
        self.observation_space = observation_space(self.task)
        self.action_space = gym.spaces.Discrete(len(self.task.actions))
        self._window: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Of all that is random from now on.
            options: `starts`: where to begin, `Starts` of one car; without it, anywhere.

        Raises:
            ValueError: There are other options, or the starts do not fit.
        """
        super().reset(seed=seed)
        if seed is not None and isinstance(self.task.cars, Simulator):
            self.task.cars.reseed(seed)
        starts = _told_starts(options, self.task)
        if starts is None:
            starts = self.task.random_starts(1, self.np_random)
        self.task.begin(np.zeros(1, np.int64), starts)
        observation = _first(observe(self.task, np.ones(1, np.bool_)))
        if self.render_mode == "human":
            self._show()
        return observation, {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Drive one control period with an action of the table.

        Raises:
            ValueError: The action is not in the table.
        """
        if not self.action_space.contains(np.int64(action)):
            raise ValueError(f"action {action!r}: must be 0 to {len(self.task.actions) - 1}")
        try:
            outcome = self.task.step(self.task.commands_of(np.array([int(action)])))
        except CarFault as fault:
            last = _first(_with_speed(self.task, self.task.last_frames()))
            return last, 0.0, False, True, {"fault": str(fault)}
        observation = _first(observe(self.task, np.zeros(1, np.bool_)))
        info = {name: values[0].item() for name, values in _info(outcome).items()}
        terminated, truncated = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        if terminated or truncated:
            info["drive"] = self.task.report(0).as_dict()
        if self.render_mode == "human":
            self._show()
        return observation, float(outcome.rewards[0]), terminated, truncated, info

    def render(self) -> Any:
        """Return the camera's picture `(H, W, 3)`; in `human` mode it is in the window already."""
        return self.task.cars.frame(0) if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _show(self) -> None:
        if self._window is None:
            from f1_rl.driving.window import Window

            camera = self.task.cars.camera
            self._window = Window(camera.width, camera.height, "f1_rl")
        self._window.show(self.task.cars.frame(0))


def _told_starts(options: dict[str, Any] | None, task: DrivingTask) -> Starts | None:
    """Return where a reset is told to begin; None: nowhere."""
    told = dict(options or {})
    starts = told.pop("starts", None)
    if told:
        raise ValueError(f"options {sorted(told)}: there is starts alone; leave the others out")
    if starts is None:
        return None
    if not isinstance(starts, Starts):
        raise ValueError(f"options: starts is {starts!r}; give f1_rl.driving.task.Starts")
    starts.check(task.num_cars, len(task.cars.circuits))
    return starts


def _first(observation: Observation) -> Any:
    if isinstance(observation, dict):
        return {name: part[0] for name, part in observation.items()}
    return observation[0]
