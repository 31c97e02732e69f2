"""Recorded drives: rosbag2 bags, read without ROS. Imports neither rclpy nor TensorFlow."""

from f1_rl.bags.drive_topics import DriveTopics, find_drive_topics
from f1_rl.bags.errors import BagError
from f1_rl.bags.frames import DriveFrame, FrameReader, frames
from f1_rl.bags.reader import Bag
from f1_rl.bags.storage import RawRecord, Record, TopicInfo

__all__ = [
    "Bag",
    "BagError",
    "DriveFrame",
    "DriveTopics",
    "FrameReader",
    "RawRecord",
    "Record",
    "TopicInfo",
    "find_drive_topics",
    "frames",
]
