"""The environment ids.

Gymnasium knows them once `f1_rl` is imported, gym through the package's entry point.
"""

CAMERA_ID = "f1_rl/F1Camera-v0"
# The same task for a car behind ROS 2 topics; only making it imports rclpy.
CAMERA_ROS_ID = "f1_rl/F1CameraRos-v0"


def register_gymnasium_envs() -> None:
    """Register the environments with Gymnasium."""
    import gymnasium

    if CAMERA_ID not in gymnasium.registry:
        gymnasium.register(
            CAMERA_ID,
            entry_point="f1_rl.driving.environment:F1CameraEnv",
            vector_entry_point="f1_rl.driving.environment:F1CameraVectorEnv",
        )
    if CAMERA_ROS_ID not in gymnasium.registry:
        gymnasium.register(
            CAMERA_ROS_ID,
            entry_point="f1_rl.ros.environment:F1CameraRosEnv",
            vector_entry_point="f1_rl.ros.environment:F1CameraRosVectorEnv",
            # Simulated time goes on from reset to reset, and Gazebo's physics varies.
            nondeterministic=True,
        )


def register_gym_envs() -> None:
    """Register the environments with gym, for the learners that still ask for it."""
    from gym.envs import registration

    if CAMERA_ID not in [spec.id for spec in registration.registry.all()]:
        registration.register(
            id=CAMERA_ID, entry_point="f1_rl.driving.gym_environment:F1CameraGymEnv"
        )
