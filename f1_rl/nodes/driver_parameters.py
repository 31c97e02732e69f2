"""The parameters of the driver node."""

from dataclasses import dataclass

from f1_rl.nodes.limiter import CommandLimits
from f1_rl.nodes.parameters import parameter


@dataclass(frozen=True)
class DriverParameters:
    """The parameters of the driver node; each says what it is where it is declared."""

    policy: str = parameter(
        "",
        "Policy folder, or run folder with one. A change counts from the next configuring on.",
        changeable=True,
    )
    camera_calibration: str = parameter(
        "",
        "File of f1-rl calibrate with the camera and its mounting; its pictures are made those of "
        "the camera of the training. Empty: it is that camera. A change counts from the next "
        "configuring on.",
        changeable=True,
    )
    autostart: bool = parameter(
        True, "Configure and activate at start; otherwise the lifecycle services do that."
    )
    shadow: bool = parameter(
        False, "Only say on proposed_cmd what would be commanded; cmd_vel is never published."
    )
    image_transport: str = parameter(
        "raw",
        "Which pictures to drive by: those of image_raw, or those of image_raw/compressed.",
        choices=("raw", "compressed"),
    )
    image_reliability: str = parameter(
        "auto",
        "How pictures are subscribed to: reliable, which gets large pictures through whole, "
        "best_effort, which hears every publisher, or auto: reliable if the publisher offers it.",
        choices=("auto", "reliable", "best_effort"),
    )
    command_type: str = parameter(
        "twist",
        "Message that is published on cmd_vel.",
        choices=("twist", "twist_stamped"),
    )
    command_frame_id: str = parameter("base_link", "Frame of a stamped command.")
    watchdog_timeout_s: float = parameter(
        0.3,
        "Time without a frame after which the car is stopped, seconds.",
        minimum=0.05,
        maximum=5.0,
    )
    max_frame_age_s: float = parameter(
        0.0,
        "Age of a picture on arrival above which the car is stopped, seconds; 0 is no limit. "
        "The clocks of camera and driver have to agree.",
        minimum=0.0,
        maximum=10.0,
    )
    odometry_timeout_s: float = parameter(
        0.3,
        "Time without odometry after which a policy that needs the speed stops, seconds.",
        minimum=0.05,
        maximum=5.0,
    )
    max_speed_mps: float = parameter(
        8.0, "Largest speed, m/s.", minimum=0.1, maximum=100.0, changeable=True
    )
    max_yaw_rate_radps: float = parameter(
        2.5, "Largest yaw rate, rad/s.", minimum=0.1, maximum=20.0, changeable=True
    )
    max_acceleration_mps2: float = parameter(
        20.0, "Fastest growth of the speed, m/s2.", minimum=0.1, maximum=1000.0, changeable=True
    )
    max_deceleration_mps2: float = parameter(
        30.0,
        "Fastest decrease of the speed, m/s2; a stop is at once.",
        minimum=0.1,
        maximum=1000.0,
        changeable=True,
    )
    max_yaw_acceleration_radps2: float = parameter(
        60.0,
        "Fastest change of the yaw rate, rad/s2.",
        minimum=0.1,
        maximum=1000.0,
        changeable=True,
    )
    blank_contrast: float = parameter(
        2.0,
        "Standard deviation of the brightness (of 255) below which a picture shows nothing and "
        "the car is stopped; 0 lets every picture pass.",
        minimum=0.0,
        maximum=128.0,
    )
    frozen_turn_timeout_s: float = parameter(
        0.3,
        "Time of turning with unchanged pictures after which the car is stopped, seconds; 0 never.",
        minimum=0.0,
        maximum=60.0,
    )
    frozen_timeout_s: float = parameter(
        4.0,
        "Time of driving with unchanged pictures after which the car is stopped, seconds; 0 "
        "never. A real camera is noisy: 0.3 will do. A simulated straight can look the same.",
        minimum=0.0,
        maximum=60.0,
    )
    deadman: bool = parameter(
        False, "Drive only while a button on joy is pressed and the joystick is there."
    )
    deadman_button: int = parameter(4, "Index of that button.", minimum=0, maximum=63)
    deadman_timeout_s: float = parameter(
        0.5,
        "Time without a message on joy after which the joystick counts as lost, seconds.",
        minimum=0.05,
        maximum=5.0,
    )
    debug_rate_hz: float = parameter(
        10.0,
        "Most pictures a second on ~/debug_image, which is drawn only when subscribed to.",
        minimum=0.1,
        maximum=60.0,
    )
    dashboard_rate_hz: float = parameter(
        5.0,
        "Most pictures a second on ~/dashboard, which is drawn only when subscribed to.",
        minimum=0.1,
        maximum=30.0,
    )
    dashboard_circuit: str = parameter(
        "",
        "Circuit of the map on ~/dashboard, a name or a CSV file; empty: the first that the policy "
        "was trained on.",
    )

    @property
    def limits(self) -> CommandLimits:
        """The limits of commands."""
        return CommandLimits(
            speed_mps=self.max_speed_mps,
            yaw_rate_radps=self.max_yaw_rate_radps,
            acceleration_mps2=self.max_acceleration_mps2,
            deceleration_mps2=self.max_deceleration_mps2,
            yaw_acceleration_radps2=self.max_yaw_acceleration_radps2,
        )
