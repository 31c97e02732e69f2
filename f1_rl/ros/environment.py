"""The driving task for a car behind ROS 2 topics, as Gymnasium environments."""

from __future__ import annotations

import atexit
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.circuits import BoolArray, load_circuit
from f1_rl.driving.environment import F1CameraEnv, F1CameraVectorEnv, Observation
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.ros.car import RosCar
from f1_rl.ros.graph import Graph
from f1_rl.ros.settings import RosCarSettings
from f1_rl.settings import SettingsError, build_settings


def make_ros_car(graph: Graph, task: TaskSettings, car: RosCarSettings) -> RosCar:
    """Return the car behind topics that the settings describe.

    Args:
        graph: The node to talk with.
        task: The driving task; its one circuit and its camera are those of the car's world.
        car: Where the car is in the graph.

    Raises:
        SettingsError: The task has several circuits.
        CircuitError: Its circuit does not exist.
        CarFault: Gazebo is to be stepped, and ros_gz_interfaces is not installed.
    """
    names = expand_circuit_names(task.circuits)
    if len(names) != 1:
        raise SettingsError(
            f"environment: a car behind topics drives in one world, but circuits has {len(names)}; "
            "name the one that its simulator shows."
        )
    circuit = load_circuit(names[0], scale=task.circuit_scale)
    return RosCar(graph, [circuit], task.camera, task.control_period_ms, car)


class _Connection:
    """The node of an environment, and the car that it talks with."""

    def __init__(
        self,
        settings: dict[str, Any],
        ros: dict[str, Any] | None,
        namespace: str,
        domain_id: int | None,
    ) -> None:
        task = build_settings(TaskSettings, settings, "environment")
        car = build_settings(RosCarSettings, ros or {}, "environment: ros")
        # Two environments on one machine are two nodes.
        name = f"f1_rl_environment_{os.getpid()}_{id(self) & 0xFFFF:x}"
        self.graph = Graph(name, namespace=namespace, domain_id=domain_id)
        try:
            self.car = make_ros_car(self.graph, task, car)
        except BaseException:
            self.graph.close()
            raise
        # A script that ends without closing must not leave the car driving.
        atexit.register(self.close)

    def info(self) -> dict[str, Any]:
        """Return how the last step went in the graph."""
        report = self.car.report
        if report is None:
            return {}
        return {
            "stamp_ns": report.stamp_ns,
            "step_wall_s": report.wall_s,
            "discarded_frames": report.discarded_frames,
            "answered": report.answered,
        }

    def close(self) -> None:
        """Have the car stand and leave the graph."""
        if self.graph.is_open:
            self.car.stop()
        self.graph.close()
        atexit.unregister(self.close)


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
    The task's circuit and camera must be those of the simulator.

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
        self._connection = _Connection(settings, ros, namespace, domain_id)
        super().__init__(render_mode, cars=self._connection.car, **settings)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, see `F1CameraEnv.reset`.

        Raises:
            CarFault: The car could not be placed for `recovery_timeout_s`.
        """
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, **self._connection.info()}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Drive one control period, see `F1CameraEnv.step`."""
        observation, reward, terminated, truncated, info = super().step(action)
        if "fault" not in info:
            info.update(self._connection.info())
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Have the car stand, and leave the graph."""
        super().close()
        self._connection.close()


class F1CameraRosVectorEnv(F1CameraVectorEnv):
    """`F1CameraRosEnv` for learners that want a vector environment: of one car.

    After a fault it resets in the next call, as after any other ending.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        render_mode: str | None = None,
        ros: dict[str, Any] | None = None,
        namespace: str = "",
        domain_id: int | None = None,
        **settings: Any,
    ) -> None:
        """Join the graph; see `F1CameraRosEnv`.

        Raises:
            SettingsError: A setting does not exist or does not fit, or more cars are asked for.
            CarFault: Gazebo is to be stepped, and ros_gz_interfaces is not installed.
        """
        if num_envs != 1:
            raise SettingsError(
                f"environment: {num_envs} cars behind topics; one environment drives one, give "
                "each car a namespace and an environment of its own."
            )
        self._connection = _Connection(settings, ros, namespace, domain_id)
        super().__init__(1, render_mode=render_mode, cars=self._connection.car, **settings)

    def step(
        self, actions: npt.ArrayLike
    ) -> tuple[Observation, npt.NDArray[Any], BoolArray, BoolArray, dict[str, Any]]:
        """Drive one control period, or reset; see `F1CameraVectorEnv.step`."""
        observations, rewards, terminated, truncated, infos = super().step(actions)
        if "fault" not in infos:
            for name, value in self._connection.info().items():
                infos[name] = np.array([value])
                infos[f"_{name}"] = np.ones(1, np.bool_)
        return observations, rewards, terminated, truncated, infos

    def state(self) -> None:
        """Return nothing: episodes behind topics cannot be taken up again."""
        return

    def close(self, **_kwargs: Any) -> None:
        """Have the car stand, and leave the graph."""
        self._connection.close()
