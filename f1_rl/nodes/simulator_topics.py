"""What the simulator node publishes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from nav_msgs.msg import Odometry, Path
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from f1_rl.circuits import Circuit
from f1_rl.gazebo.names import (
    BASE_FRAME,
    CAMERA_INFO_TOPIC,
    CLOCK_TOPIC,
    IMAGE_TOPIC,
    ODOMETRY_FRAME,
    ODOMETRY_TOPIC,
    OPTICAL_FRAME,
)
from f1_rl.nodes.simulator_parameters import SimulatorParameters
from f1_rl.nodes.simulator_world import World
from f1_rl.ros.frames import base_transform, camera_transform, centre_line_message
from f1_rl.ros.messages import (
    OdometrySample,
    camera_info_message,
    compressed_image_message,
    image_message,
    odometry_message,
    stamp_message,
)
from f1_rl.ros.qos import latched, lossless
from f1_rl.simulation import Camera

COMPRESSED_TOPIC = f"{IMAGE_TOPIC}/compressed"
CENTRE_LINE_TOPIC = "centre_line"
TRANSFORM_TOPIC = "tf"
STATIC_TRANSFORM_TOPIC = "tf_static"


class SimulatorTopics:
    """The publishers of a world with one car."""

    def __init__(
        self, node: Any, parameters: SimulatorParameters, camera: Camera, circuit: Circuit
    ) -> None:
        """Offer the topics, and publish what does not change.

        Args:
            node: The node.
            parameters: Which of the topics.
            camera: On the car.
            circuit: That it drives on.
        """
        self._camera = camera
        self._images = node.create_publisher(Image, IMAGE_TOPIC, lossless(2))
        self._infos = node.create_publisher(CameraInfo, CAMERA_INFO_TOPIC, lossless(2))
        self._odometry = node.create_publisher(Odometry, ODOMETRY_TOPIC, lossless(50))
        self._image = self._jpegs = self._clock = self._transforms = None
        if parameters.compressed:
            self._jpegs = node.create_publisher(CompressedImage, COMPRESSED_TOPIC, lossless(2))
        if parameters.publish_clock:
            self._clock = node.create_publisher(Clock, CLOCK_TOPIC, lossless(1))
        if parameters.publish_tf and find_spec("tf2_msgs") is not None:
            self._transforms = Transforms(node, camera)
        self._centre_line = node.create_publisher(Path, CENTRE_LINE_TOPIC, latched())
        self._centre_line.publish(centre_line_message(circuit, 0))

    def publish(self, world: World) -> None:
        """Publish what falls due at this time of the world."""
        if not world.odometry_due:
            return
        if self._clock is not None:
            self._clock.publish(Clock(clock=stamp_message(world.time_ns)))
        sample = world.odometry()
        self._odometry.publish(odometry_message(sample, ODOMETRY_FRAME, BASE_FRAME))
        if self._transforms is not None:
            self._transforms.publish(sample)
        # Every frame has its odometry.
        if world.frame_due:
            self._publish_frame(world)

    def _publish_frame(self, world: World) -> None:
        time_ns = world.time_ns
        if self._infos.get_subscription_count():
            self._infos.publish(camera_info_message(self._camera, time_ns, OPTICAL_FRAME))
        # Like Gazebo: a camera that nobody looks through is not rendered.
        wanted = self._images.get_subscription_count() > 0
        jpegs = self._jpegs
        wanted_small = jpegs is not None and jpegs.get_subscription_count() > 0
        if not (wanted or wanted_small):
            return
        frame = world.frame()
        if wanted:
            self._image = image_message(frame, time_ns, OPTICAL_FRAME, self._image)
            self._images.publish(self._image)
        if jpegs is not None and wanted_small:
            jpegs.publish(compressed_image_message(frame, time_ns, OPTICAL_FRAME))


class Transforms:
    """The tree of frames for RViz and tf2: `odom`, `base_link`, the camera. Needs tf2_msgs."""

    def __init__(self, node: Any, camera: Camera) -> None:
        """Offer the topics, and say where the camera is.

        Args:
            node: The node.
            camera: On the car.
        """
        from tf2_msgs.msg import TFMessage

        self._message = TFMessage
        self._moving = node.create_publisher(TFMessage, TRANSFORM_TOPIC, lossless(100))
        self._standing = node.create_publisher(TFMessage, STATIC_TRANSFORM_TOPIC, latched())
        self._standing.publish(TFMessage(transforms=[camera_transform(camera)]))

    def publish(self, sample: OdometrySample) -> None:
        """Say where the car is, if somebody listens."""
        if self._moving.get_subscription_count():
            self._moving.publish(self._message(transforms=[base_transform(sample)]))
