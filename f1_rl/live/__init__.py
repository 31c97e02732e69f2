"""The live page: a car that drives or learns, to look at in a browser.

Imports neither TensorFlow nor rclpy.
"""
