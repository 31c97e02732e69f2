"""Start the embedded simulator on the topics of the Gazebo car."""

from f1_rl.nodes.launch_arguments import ParameterArgument, common_arguments, node_with_overrides
from launch import LaunchDescription

ARGUMENTS = (
    ParameterArgument("circuit", "Name of the circuit (f1-rl circuit list), or a CSV file of one."),
    ParameterArgument("vehicle", "The car.", choices=("kinematic", "single_track")),
    ParameterArgument(
        "rate", "Simulated seconds a second; 0.0: as fast as the machine can.", float
    ),
    ParameterArgument(
        "start_paused", "Whether the world moves only in steps (lock-step), by service.", bool
    ),
    ParameterArgument(
        "compressed", "Whether JPEG pictures go out as well, on image_raw/compressed.", bool
    ),
    ParameterArgument(
        "stamped_commands", "Whether cmd_vel carries TwistStamped instead of Twist.", bool
    ),
    ParameterArgument("seed", "Of what is random.", int),
)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *common_arguments("simulator.yaml"),
            *(argument.declare() for argument in ARGUMENTS),
            node_with_overrides("simulator", ARGUMENTS),
        ]
    )
