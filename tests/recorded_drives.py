"""Bags of drives in the embedded simulator, written by rosbags' writer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from f1_rl.driving.classical import LineFollower
from f1_rl.driving.environment import make_task, observe
from f1_rl.driving.settings import TaskSettings
from f1_rl.settings import build_settings

TYPES = get_typestore(Stores.ROS2_JAZZY)
CAMERA = {"width": 192, "height": 144}
PERIOD_NS = 50_000_000


@dataclass
class Sample:
    """One control period: what was seen and known before, and what was commanded then."""

    stamp_ns: int
    picture: Any
    pose: tuple[float, float, float]
    speed_mps: float
    yaw_rate_radps: float
    command: tuple[float, float] | None


def task_settings(**changes: Any) -> TaskSettings:
    return build_settings(TaskSettings, {"camera": CAMERA, "circuits": ["oval"], **changes})


def drive(
    settings: TaskSettings,
    seconds: float,
    *,
    noise: tuple[float, float] = (0.0, 0.0),
    anywhere: bool = True,
    seed: int = 0,
) -> list[Sample]:
    """Let the classical driver drive with noise on its commands.

    Noise of speed and yaw rate is in shares of the largest that the actions allow, and held for
    a few periods, as a hand at a joystick would. After a failure the car is put back, in either
    direction and up to half a metre beside the line, or else on it, straight ahead.
    """
    if not anywhere:
        starts = {"direction": "forward", "lateral_m": 0.0, "heading_rad": 0.0}
        settings = build_settings(TaskSettings, {**settings.as_dict(), "starts": starts})
    rng = np.random.default_rng(seed)
    task = make_task(settings)
    car = np.zeros(1, np.int64)
    task.begin(car, task.random_starts(1, rng))
    observation = observe(task, np.ones(1, bool))
    driver = LineFollower(task)
    table = task.actions
    spans = np.array([table.max_speed_mps, table.max_yaw_rate_radps])
    samples: list[Sample] = []

    def record(command: tuple[float, float]) -> None:
        pose = task.cars.poses
        samples.append(
            Sample(
                (len(samples) + 1) * settings.control_period_ms * 1_000_000,
                task.cars.frame(0),
                (float(pose.x_m[0]), float(pose.y_m[0]), float(pose.yaw_rad[0])),
                float(task.cars.speed_mps[0]),
                float(task.cars.yaw_rate_radps[0]),
                command,
            )
        )

    held, push = 0, np.zeros(2)
    while len(samples) < seconds * 1000 / settings.control_period_ms:
        if held == 0:
            held = int(rng.integers(2, 7))
            push = rng.normal(0.0, 1.0, 2) * noise * spans
        held -= 1
        command = np.clip(driver.commands(observation)[0] + push, (0.0, -spans[1]), spans)
        record((float(command[0]), float(command[1])))
        outcome = task.step(command[None])
        ended = outcome.terminated | outcome.truncated
        if ended[0]:
            # The last that is seen of the drive, before somebody puts the car back.
            record((0.0, 0.0))
            task.begin(car, task.random_starts(1, rng))
        observation = observe(task, ended)
    return samples


def write_bag(
    path: Path, samples: list[Sample], *, odometry: bool = True, commands: bool = True
) -> Path:
    """Write what a drive's topics would have held."""
    T = TYPES.types  # noqa: N806
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        topics = {"/cam_f1_left/image_raw": "sensor_msgs/msg/Image"}
        if odometry:
            topics["/odom"] = "nav_msgs/msg/Odometry"
        if commands:
            topics["/cmd_vel"] = "geometry_msgs/msg/Twist"
        connections = {
            name: writer.add_connection(name, kind, typestore=TYPES)
            for name, kind in topics.items()
        }

        def put(name: str, time_ns: int, message: Any) -> None:
            data = TYPES.serialize_cdr(message, topics[name])
            writer.write(connections[name], time_ns, data)

        vector, point = T["geometry_msgs/msg/Vector3"], T["geometry_msgs/msg/Point"]
        for sample in samples:
            sec, nanosec = divmod(sample.stamp_ns, 10**9)
            stamp = T["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
            header = T["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")
            height, width = sample.picture.shape[:2]
            image = T["sensor_msgs/msg/Image"](
                header=header,
                height=height,
                width=width,
                encoding="rgb8",
                is_bigendian=0,
                step=3 * width,
                data=np.ascontiguousarray(sample.picture).reshape(-1),
            )
            put("/cam_f1_left/image_raw", sample.stamp_ns, image)
            if odometry:
                x_m, y_m, yaw_rad = sample.pose
                turn = T["geometry_msgs/msg/Quaternion"](
                    x=0.0, y=0.0, z=np.sin(yaw_rad / 2), w=np.cos(yaw_rad / 2)
                )
                pose = T["geometry_msgs/msg/Pose"](
                    position=point(x=x_m, y=y_m, z=0.0), orientation=turn
                )
                twist = T["geometry_msgs/msg/Twist"](
                    linear=vector(x=sample.speed_mps, y=0.0, z=0.0),
                    angular=vector(x=0.0, y=0.0, z=sample.yaw_rate_radps),
                )
                message = T["nav_msgs/msg/Odometry"](
                    header=header,
                    child_frame_id="base_link",
                    pose=T["geometry_msgs/msg/PoseWithCovariance"](pose, np.zeros(36)),
                    twist=T["geometry_msgs/msg/TwistWithCovariance"](twist, np.zeros(36)),
                )
                put("/odom", sample.stamp_ns + 100_000, message)
            if commands and sample.command is not None:
                twist = T["geometry_msgs/msg/Twist"](
                    linear=vector(x=sample.command[0], y=0.0, z=0.0),
                    angular=vector(x=0.0, y=0.0, z=sample.command[1]),
                )
                put("/cmd_vel", sample.stamp_ns + 1_000_000, twist)
    return path
