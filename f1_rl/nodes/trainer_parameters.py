"""The parameters of the trainer node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from f1_rl.driving.registration import CAMERA_ROS_ID
from f1_rl.nodes.parameters import parameter
from f1_rl.settings import parse_assignment


@dataclass(frozen=True)
class TrainerParameters:
    """The parameters of the trainer node; each says what it is where it is declared."""

    preset: str = parameter(
        "gazebo", "Named settings, or a YAML file of them; its environment has to be the ROS one."
    )
    circuit: str = parameter(
        "", "The circuit that the cars' worlds show: a name or a CSV file. Empty: of the preset."
    )
    width: int = parameter(
        0, "Columns of the cars' pictures; 0: of the preset.", minimum=0, maximum=4096
    )
    height: int = parameter(
        0, "Rows of the cars' pictures; 0: of the preset.", minimum=0, maximum=4096
    )
    traffic: str = parameter(
        "",
        "Boxes and slower cars in the cars' worlds: name of a scenario. Empty: of the preset.",
    )
    steps: int = parameter(
        0, "Environment steps to train for; 0: of the preset.", minimum=0, maximum=10**9
    )
    seed: int = parameter(0, "Of everything that is random.", minimum=0, maximum=2**31 - 1)
    settings: tuple[str, ...] = parameter(
        ("",), "More settings as NAME=VALUE, for example agent.gamma=0.9."
    )
    run_dir: str = parameter(
        "", "Folder to make for the run. Empty: runs/CIRCUIT-TIME under the working directory."
    )
    resume: str = parameter(
        "", "Run folder to go on with, with its own settings but for steps and settings."
    )
    device: str = parameter("auto", "Where to compute.", choices=("auto", "cpu", "gpu"))
    report: bool = parameter(
        True, "Whether to drive a lap at the end and write its video and the report."
    )
    namespaces: tuple[str, ...] = parameter(
        ("",), "Namespace of each car, below the node's own unless it begins with a slash."
    )
    domain_ids: tuple[int, ...] = parameter(
        (-1,),
        "ROS domain of each car; -1: the node's own. One for all, or one for each.",
        minimum=-1,
        maximum=232,
    )
    clockwork: str = parameter(
        "simulator",
        "Who steps and teleports the cars: our simulator nodes, or Gazebo through ros_gz_bridge.",
        choices=("simulator", "gazebo"),
    )
    car: str = parameter(
        "kinematic",
        "What kind of car they are: kinematic does as commanded at once; ackermann has wheels, "
        "mass and limits, and has to brake before it is put elsewhere.",
        choices=("kinematic", "ackermann"),
    )
    lock_step: bool = parameter(
        True, "Whether time stands still between two steps; without it the cars drive on."
    )
    first_frame_timeout_s: float = parameter(
        60.0,
        "How long the simulator may take to show a car where it was put, seconds; over restarts.",
        minimum=1.0,
        maximum=3600.0,
    )
    step_timeout_s: float = parameter(
        5.0, "How long the frame of a step may take, seconds.", minimum=0.05, maximum=600.0
    )

    def changes(self, namespace: str) -> list[dict[str, Any]]:
        """Return what the parameters change in the settings of a new run, to be laid over them.

        Args:
            namespace: Of the node.
        """
        task: dict[str, Any] = {}
        if self.circuit:
            task["circuits"] = [self.circuit]
        camera = {name: size for name in ("width", "height") if (size := getattr(self, name))}
        if camera:
            task["camera"] = camera
        if self.traffic:
            task["traffic"] = self.traffic
        ros: dict[str, Any] = {
            "clockwork": self.clockwork,
            "lock_step": self.lock_step,
            "recovery_timeout_s": self.first_frame_timeout_s,
            "step_timeout_s": self.step_timeout_s,
        }
        if self.car == "ackermann":
            task["vehicle"] = "single_track"
            ros |= {"braking_periods": 100, "settle_periods": 4}
        count = len(self.namespaces)
        domains = self.domain_ids * count if len(self.domain_ids) == 1 else self.domain_ids
        cars: dict[str, Any] = {
            "ros": ros,
            "namespaces": [_below(namespace, name) for name in self.namespaces],
            "domain_ids": [None if domain < 0 else domain for domain in domains],
        }
        new = {
            "env": CAMERA_ROS_ID,
            "env_options": cars,
            "task": task,
            "seed": self.seed,
            "training": {"num_envs": count},
        }
        return [new, *self.changes_to_resume()]

    def changes_to_resume(self) -> list[dict[str, Any]]:
        """Return what they change in the settings of a run that goes on."""
        changes = [parse_assignment(text) for text in self.settings if text]
        if self.steps:
            changes.append({"training": {"env_steps": self.steps}})
        return changes


def _below(namespace: str, name: str) -> str:
    """Return a car's namespace, absolute."""
    if name.startswith("/"):
        return name
    return f"{namespace.rstrip('/')}/{name}".rstrip("/") or "/"
