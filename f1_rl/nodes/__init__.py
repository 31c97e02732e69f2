"""Executables: thin ROS 2 nodes around what the package can do. Needs rclpy."""
