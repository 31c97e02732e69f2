"""The driving task for a car behind ROS 2 topics, as Gymnasium environments."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.exceptions import InvalidNamespaceException
from rclpy.validate_namespace import validate_namespace

from f1_rl.circuits import BoolArray, Circuit, load_circuit
from f1_rl.driving.environment import F1CameraEnv, F1CameraVectorEnv, Observation
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.gazebo.world_obstacles import of_world
from f1_rl.ros.car import RosCar
from f1_rl.ros.cars import RosCars
from f1_rl.ros.graph import Graph
from f1_rl.ros.settings import RosCarSettings
from f1_rl.settings import SettingsError, build_settings
from f1_rl.simulation import Traffic, load_traffic


class _Connection:
    """The nodes of an environment, and the cars that it talks with."""

    def __init__(
        self,
        settings: dict[str, Any],
        ros: dict[str, Any] | None,
        namespaces: Sequence[str],
        domain_ids: Sequence[int | None],
    ) -> None:
        task = build_settings(TaskSettings, settings, "environment")
        car = build_settings(RosCarSettings, ros or {}, "environment: ros")
        circuit = _circuit(task)
        traffic = _traffic(task, circuit)
        self._graphs: list[Graph] = []
        try:
            self.cars = RosCars(
                [
                    RosCar(self._join(*place), task.camera, task.control_period_ms, car, traffic)
                    for place in zip(namespaces, domain_ids, strict=True)
                ],
                circuit,
                traffic,
            )
        except BaseException:
            self._leave()
            raise
        # A script that ends without closing must not leave a car driving.
        atexit.register(self.close)

    def infos(self) -> dict[str, list[Any]]:
        """Return by name how the last step of each car went in the graph."""
        reports = [car.report for car in self.cars.cars if car.report is not None]
        if len(reports) < self.cars.num_cars:
            return {}
        return {
            "stamp_ns": [report.stamp_ns for report in reports],
            "step_wall_s": [report.wall_s for report in reports],
            "discarded_frames": [report.discarded_frames for report in reports],
            "answered": [report.answered for report in reports],
        }

    @contextlib.contextmanager
    def left_on_failure(self) -> Iterator[None]:
        """Leave the graph if the rest cannot be made: whoever stays there commands the cars too."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Have the cars stand and leave the graph."""
        if all(graph.is_open for graph in self._graphs):
            self.cars.leave()
        self._leave()
        atexit.unregister(self.close)

    def _join(self, namespace: str, domain_id: int | None) -> Graph:
        # Two environments on one machine are two nodes.
        name = f"f1_rl_environment_{os.getpid()}_{id(self) & 0xFFFF:x}_{len(self._graphs)}"
        self._graphs.append(Graph(name, namespace=namespace, domain_id=domain_id))
        return self._graphs[-1]

    def _leave(self) -> None:
        for graph in self._graphs:
            graph.close()


def _circuit(task: TaskSettings) -> Circuit:
    names = expand_circuit_names(task.circuits)
    if len(names) != 1:
        raise SettingsError(
            f"environment: a car behind topics drives in one world, but circuits has {len(names)}; "
            "name the one that its simulator shows."
        )
    return load_circuit(names[0], scale=task.circuit_scale)


def _traffic(task: TaskSettings, circuit: Circuit) -> Traffic:
    traffic = of_world(load_traffic(task.traffic))
    try:
        traffic.check(circuit)
    except ValueError as error:
        raise SettingsError(f"environment: traffic: {error}.") from error
    return traffic


class F1CameraRosEnv(F1CameraEnv):
    """`F1CameraEnv` with a car behind ROS 2 topics: in our simulator node, or in Gazebo.

    Spaces, rewards and endings are those of `F1CameraEnv`. In lock-step, the default, simulated
    time stands still between two steps.

    ## Episode Truncation
    As `F1CameraEnv`, and by any fault: no frame or one with a wrong stamp, size or encoding,
    odometry that stops or is not finite, a command that did not act, a simulator that is gone.
    Then `info["fault"]` says what and what to do, and the next `reset` brings the car back,
    waiting for a restarted simulator if need be.

    ## Information
    `stamp_ns` of the frame, `step_wall_s` from command to frame and odometry, `discarded_frames`
    that came late, twice or too many, and whether the step's request was `answered`.

    ## Arguments
    Those of `F1CameraEnv`, and `ros`, the fields of `RosCarSettings`, `namespace` and `domain_id`.
    The task's circuit, camera and traffic must be those of the simulator. Other traffic than the
    task's is refused by the simulator node.

    ## Version History
    * v0: first version.
    """

    def __init__(
        self,
        render_mode: str | None = None,
        *,
        ros: dict[str, Any] | None = None,
        namespace: str = "",
        domain_id: int | None = None,
        **settings: Any,
    ) -> None:
        """Join the graph; the simulator may be started later, before the first reset.

        Args:
            render_mode: `rgb_array`, `human` or none.
            ros: The fields of `RosCarSettings`.
            namespace: Of the car's topics and services.
            domain_id: The ROS domain; by default the one of the environment variables.
            **settings: The fields of `TaskSettings`.

        Raises:
            SettingsError: A setting does not exist or does not fit.
            CarFault: Gazebo is to be stepped, and ros_gz_interfaces is not installed.
        """
        self._connection = _Connection(settings, ros, [namespace], [domain_id])
        with self._connection.left_on_failure():
            super().__init__(render_mode, cars=self._connection.cars, **settings)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, see `F1CameraEnv.reset`.

        Raises:
            CarFault: The car could not be placed for `recovery_timeout_s`.
        """
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, **self._info()}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Drive one control period, see `F1CameraEnv.step`."""
        observation, reward, terminated, truncated, info = super().step(action)
        if "fault" not in info:
            info.update(self._info())
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Have the car stand, and leave the graph."""
        super().close()
        self._connection.close()

    def _info(self) -> dict[str, Any]:
        return {name: values[0] for name, values in self._connection.infos().items()}


class F1CameraRosVectorEnv(F1CameraVectorEnv):
    """`F1CameraRosEnv` for several cars, each in a world of its own that shows the same circuit.

    Namespaces or ROS domains keep the cars apart. A step commands all of them before it waits for
    any. A fault of one truncates the episodes of all; they are reset in the next call, as after
    any other ending.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        render_mode: str | None = None,
        ros: dict[str, Any] | None = None,
        namespaces: Sequence[str] | None = None,
        domain_ids: Sequence[int] | None = None,
        **settings: Any,
    ) -> None:
        """Join the graph; see `F1CameraRosEnv`.

        Args:
            num_envs: Number of cars N.
            render_mode: `rgb_array` or none.
            ros: The fields of `RosCarSettings`, the same for all cars.
            namespaces: Of each car's topics and services; by default none.
            domain_ids: The ROS domain of each; by default the one of the environment variables.
            **settings: The fields of `TaskSettings`.

        Raises:
            SettingsError: A setting does not exist or does not fit, or two cars would be the same.
            CarFault: Gazebo is to be stepped, and ros_gz_interfaces is not installed.
        """
        places = _places(num_envs, namespaces, domain_ids)
        self._connection = _Connection(settings, ros, *places)
        cars = self._connection.cars
        with self._connection.left_on_failure():
            super().__init__(num_envs, render_mode=render_mode, cars=cars, **settings)

    def step(
        self, actions: npt.ArrayLike
    ) -> tuple[Observation, npt.NDArray[Any], BoolArray, BoolArray, dict[str, Any]]:
        """Drive one control period, or reset; see `F1CameraVectorEnv.step`."""
        observations, rewards, terminated, truncated, infos = super().step(actions)
        if "fault" not in infos:
            for name, values in self._connection.infos().items():
                infos[name] = np.array(values)
                infos[f"_{name}"] = np.ones(self.num_envs, np.bool_)
        return observations, rewards, terminated, truncated, infos

    def state(self) -> None:
        """Return nothing: episodes behind topics cannot be taken up again."""
        return

    def stop_cars(self) -> None:
        """Command all cars to stand."""
        self._connection.cars.stop()

    def interrupt(self) -> None:
        """Have every step and reset fail from now on, also one that is being waited for.

        May be called by any thread that wants the one that steps to end soon.
        """
        self._connection.cars.interrupt()

    def close(self, **_kwargs: Any) -> None:
        """Have the cars stand, and leave the graph."""
        self._connection.close()


def _places(
    num_envs: int, namespaces: Sequence[str] | None, domain_ids: Sequence[int] | None
) -> tuple[list[str], list[int | None]]:
    """Return namespace and ROS domain of each car."""
    names = [""] * num_envs if namespaces is None else list(namespaces)
    domains: list[int | None] = [None] * num_envs
    if domain_ids is not None:
        domains = list(domain_ids)
    for what, values in (("namespaces", names), ("domain_ids", domains)):
        if len(values) != num_envs:
            raise SettingsError(
                f"environment: {what} names {len(values)} cars, num_envs {num_envs}; give one for "
                "each car."
            )
    for name in names:
        _check_namespace(name)
    if len(set(zip(names, domains, strict=True))) < num_envs:
        raise SettingsError(
            f"environment: {num_envs} cars behind topics need a namespace or a ROS domain each; "
            "set namespaces or domain_ids."
        )
    return names, domains


def _check_namespace(name: str) -> None:
    try:
        validate_namespace(name if name.startswith("/") else f"/{name}")
    except InvalidNamespaceException as error:
        raise SettingsError(
            f"environment: {name!r} is no namespace; write it of letters, digits and underscores, "
            "with a slash before each part."
        ) from error
