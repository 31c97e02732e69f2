"""The parameters of the actuators node."""

from __future__ import annotations

from dataclasses import dataclass

from f1_rl.nodes.parameters import parameter


@dataclass(frozen=True)
class ActuatorsParameters:
    """The parameters of the actuators node; each says what it is where it is declared."""

    car: str = parameter("", "YAML file of the car: wheelbase, steering, throttle table, limits.")
    output: str = parameter(
        "joy",
        "What is published: normalised steering and throttle as axes of a Joy on actuators, the "
        "steering angle as angular.z of a Twist on cmd_angle, or AckermannDriveStamped on drive.",
        choices=("joy", "twist", "ackermann"),
    )
    command_type: str = parameter(
        "twist", "Message that comes on cmd_vel.", choices=("twist", "twist_stamped")
    )
    timeout_s: float = parameter(
        0.2,
        "Time without a command after which the car is in neutral, seconds.",
        minimum=0.02,
        maximum=2.0,
    )
    max_speed_mps: float = parameter(
        1.0,
        "Largest speed, m/s, where the car's own limit is not less; faster commands are driven "
        "slower, on the same way.",
        minimum=0.05,
        maximum=30.0,
        changeable=True,
    )
    steering_axis: int = parameter(0, "Joy: axis of the steering.", minimum=0, maximum=31)
    throttle_axis: int = parameter(1, "Joy: axis of the throttle.", minimum=0, maximum=31)
    frame_id: str = parameter("base_link", "Frame of a stamped message.")
