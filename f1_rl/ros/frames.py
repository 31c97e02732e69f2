"""Where the car's frames are (REP-105), and the circuit, as ROS messages."""

from __future__ import annotations

import math
from typing import Any

from geometry_msgs.msg import PoseStamped, Quaternion, TransformStamped
from nav_msgs.msg import Path

from f1_rl.circuits import Circuit
from f1_rl.gazebo.names import BASE_FRAME, ODOMETRY_FRAME, OPTICAL_FRAME
from f1_rl.ros.messages import OdometrySample, quaternion_of, stamp_message
from f1_rl.simulation import Camera

# Closer together the points of a drawn line add nothing.
_PATH_SPACING_M = 0.25


def base_transform(sample: OdometrySample) -> Any:
    """Return where the car is, `odom` to `base_link`, as `geometry_msgs/TransformStamped`."""
    message = _transform(ODOMETRY_FRAME, BASE_FRAME)
    message.header.stamp = stamp_message(sample.stamp_ns)
    message.transform.translation.x = sample.x_m
    message.transform.translation.y = sample.y_m
    message.transform.rotation = quaternion_of(sample.yaw_rad)
    return message


def camera_transform(camera: Camera) -> Any:
    """Return where the camera is on the car, `base_link` to its optical frame, for ever.

    The optical frame has z forward, x right and y down (REP-103).

    Args:
        camera: As it is mounted nominally; by how much an appearance shifts it is not known to
            whoever looks through it.

    Returns:
        A `geometry_msgs/TransformStamped`.
    """
    message = _transform(BASE_FRAME, OPTICAL_FRAME)
    translation = message.transform.translation
    translation.x, translation.y, translation.z = camera.x_m, camera.y_m, camera.z_m
    # A turn about the car's y axis, down, after the one from its axes to the optical ones,
    # (-1/2, 1/2, -1/2, 1/2).
    down, rest = math.sin(camera.pitch_rad / 2) / 2, math.cos(camera.pitch_rad / 2) / 2
    message.transform.rotation = Quaternion(
        x=-rest - down, y=rest + down, z=down - rest, w=rest - down
    )
    return message


def centre_line_message(circuit: Circuit, time_ns: int) -> Any:
    """Return a circuit's centre line, closed, as `nav_msgs/Path` in the frame `odom`.

    Args:
        circuit: The circuit.
        time_ns: When it is published.
    """
    message = Path()
    message.header.frame_id = ODOMETRY_FRAME
    message.header.stamp = stamp_message(time_ns)
    every = max(1, round(_PATH_SPACING_M / circuit.spacing_m))
    for index in (*range(0, len(circuit.x_m), every), 0):
        pose = PoseStamped(header=message.header)
        pose.pose.position.x = float(circuit.x_m[index])
        pose.pose.position.y = float(circuit.y_m[index])
        pose.pose.orientation = quaternion_of(float(circuit.heading_rad[index]))
        message.poses.append(pose)
    return message


def _transform(frame_id: str, child_frame_id: str) -> Any:
    message = TransformStamped(child_frame_id=child_frame_id)
    message.header.frame_id = frame_id
    return message
