"""A car behind ROS 2 topics, and what its messages mean. Needs rclpy."""
