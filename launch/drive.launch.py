"""Drive a car by its camera and a saved policy: a real one, Gazebo's, or the embedded one."""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from f1_rl.nodes.launch_arguments import (
    PACKAGE,
    ParameterArgument,
    common_arguments,
    node_with_overrides,
)
from launch import LaunchDescription

ARGUMENTS = (
    ParameterArgument("policy", "Policy folder, or run folder with one."),
    ParameterArgument(
        "autostart", "Whether the driver configures and activates itself (lifecycle).", bool
    ),
    ParameterArgument(
        "shadow", "Whether to say on proposed_cmd only what would be commanded.", bool
    ),
    ParameterArgument("deadman", "Whether to drive only while a button on joy is pressed.", bool),
    ParameterArgument(
        "image_transport", "Which pictures to drive by.", choices=("raw", "compressed")
    ),
    ParameterArgument(
        "image_reliability",
        "How pictures are subscribed to.",
        choices=("auto", "reliable", "best_effort"),
    ),
    ParameterArgument("command_type", "Message on cmd_vel.", choices=("twist", "twist_stamped")),
    ParameterArgument("max_speed_mps", "Largest speed, m/s.", float),
)


def generate_launch_description() -> LaunchDescription:
    simulate = PathJoinSubstitution([FindPackageShare(PACKAGE), "launch", "simulate.launch.py"])
    default_simulator = PathJoinSubstitution(
        [FindPackageShare(PACKAGE), "config", "simulator.yaml"]
    )
    return LaunchDescription(
        [
            *common_arguments("driver.yaml"),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="false",
                choices=("true", "false"),
                description="Whether stamps are compared with /clock; timeouts never are.",
            ),
            *(argument.declare() for argument in ARGUMENTS),
            DeclareLaunchArgument(
                "simulator",
                default_value="false",
                choices=("true", "false"),
                description="Whether to start the embedded simulator beside the driver.",
            ),
            DeclareLaunchArgument(
                "simulator_params_file",
                default_value=default_simulator,
                description="YAML file with the simulator's parameters.",
            ),
            DeclareLaunchArgument(
                "circuit",
                default_value="",
                description="The simulator's circuit. Empty: as in its parameter file.",
            ),
            node_with_overrides("driver", ARGUMENTS, fixed={"use_sim_time": "use_sim_time"}),
            IncludeLaunchDescription(
                simulate,
                condition=IfCondition(LaunchConfiguration("simulator")),
                launch_arguments={
                    "namespace": LaunchConfiguration("namespace"),
                    "params_file": LaunchConfiguration("simulator_params_file"),
                    "log_level": LaunchConfiguration("log_level"),
                    "circuit": LaunchConfiguration("circuit"),
                }.items(),
            ),
        ]
    )
