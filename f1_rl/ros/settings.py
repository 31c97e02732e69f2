"""The settings of a car behind topics."""

from __future__ import annotations

from typing import Literal

from f1_rl.gazebo import names
from f1_rl.settings import NonNegativeFloat, PositiveFloat, PositiveInt, Settings


class RosCarSettings(Settings, frozen=True):
    """Where a car is in the ROS graph, what moves its time, and how long it is waited for.

    Names are relative to the node's namespace, but for those that begin with a slash.

    Attributes:
        image_topic: Its frames, `sensor_msgs/Image`.
        compressed: Whether they are `sensor_msgs/CompressedImage` instead.
        odometry_topic: Where it is, `nav_msgs/Odometry`.
        command_topic: What it is told, `geometry_msgs/Twist`.
        stamped_commands: Whether that is `TwistStamped` instead.
        clockwork: Who steps and teleports it: our simulator node, or Gazebo through ros_gz_bridge.
        lock_step: Whether time stands still between two steps; without it the car drives on.
        simulator: Name of the simulator node, for its services.
        world: Name of the world in Gazebo's services.
        entity: Name of the car in Gazebo's services.
        physics_step_ms: Of Gazebo's world; the simulator node knows its own.
        command_barrier_ms: How long to wait between command and step request, which reach Gazebo
            by different ways; our simulator takes them in order.
        step_timeout_s: How long a frame and its odometry may take.
        recovery_timeout_s: How long placing the car is tried again, over restarts of the
            simulator too.
        stamp_tolerance_ms: By how much the stamps of frame, odometry and step may differ.
        longest_gap: Free-running, how many control periods may lie between two frames.
        settle_periods: How many control periods a car stands after a teleport, at least 1; more
            for cars whose wheels keep turning.
        braking_periods: How many control periods a car gets at most to come to a stand before a
            teleport, where a teleport leaves command and momentum as they are, as in Gazebo.
        position_tolerance_m: By how much a placed car may stand beside its pose.
        yaw_tolerance_rad: By how much it may point beside it.
        height_tolerance_m: By how much its origin may be above or below the ground.
        sole_commander: Whether another publisher of commands is a fault.
    """

    image_topic: str = names.IMAGE_TOPIC
    compressed: bool = False
    odometry_topic: str = names.ODOMETRY_TOPIC
    command_topic: str = names.COMMAND_TOPIC
    stamped_commands: bool = False
    clockwork: Literal["simulator", "gazebo"] = "simulator"
    lock_step: bool = True
    simulator: str = "simulator"
    world: str = names.WORLD
    entity: str = names.ENTITY
    physics_step_ms: PositiveInt = 2
    command_barrier_ms: NonNegativeFloat = 3.0
    step_timeout_s: PositiveFloat = 5.0
    recovery_timeout_s: PositiveFloat = 60.0
    stamp_tolerance_ms: NonNegativeFloat = 1.0
    longest_gap: PositiveInt = 5
    settle_periods: PositiveInt = 1
    braking_periods: PositiveInt = 1
    position_tolerance_m: PositiveFloat = 0.05
    yaw_tolerance_rad: PositiveFloat = 0.05
    height_tolerance_m: PositiveFloat = 0.3
    sole_commander: bool = True
