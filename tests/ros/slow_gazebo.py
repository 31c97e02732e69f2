"""A world that is stepped as Gazebo is, and draws and publishes as slowly as asked.

Its requests come by calls instead of ros_gz_bridge's services, which pip does not have.
"""

import math
import queue
import threading
import time

import numpy as np
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image

from f1_rl.driving.cars import CarFault
from f1_rl.gazebo import names
from f1_rl.ros.graph import Graph
from f1_rl.ros.messages import image_message, stamp_message
from f1_rl.ros.qos import lossless

STEP_NS = 2_000_000
FRAME_NS = 50_000_000


class SlowGazebo:
    """Both the world and the clockwork that steps it; paused until asked to step.

    As in Gazebo, physics and odometry run on while a frame is drawn until the next one is due,
    requests to step are answered before they are done, and a teleport after it.
    """

    tells_time = False

    def __init__(
        self,
        graph: Graph,
        *,
        first_frame_s: float,
        frame_s: float,
        odometry_s: float,
        odometry_ns: int,
    ):
        self.time_ns = 0
        self._odometry_s, self._odometry_ns = odometry_s, odometry_ns
        self._told: queue.SimpleQueue[tuple[float, Odometry] | None] = queue.SimpleQueue()
        self._frame_s, self._next_frame_s = first_frame_s, frame_s
        self._left = 0
        self._pose = (0.0, 0.0, 0.0)
        self._changed = threading.Condition()
        self._drawing = threading.Thread()
        self._ended = False
        node = graph.node
        self._images = node.create_publisher(Image, names.IMAGE_TOPIC, lossless(2))
        self._odometry = node.create_publisher(Odometry, names.ODOMETRY_TOPIC, lossless(50))
        self._world = threading.Thread(target=self._run, daemon=True)
        self._world.start()
        self._teller = threading.Thread(target=self._tell, daemon=True)
        self._teller.start()

    def nudge(self, smallest_steps, deadline_s):
        self.step(smallest_steps)

    def begin_step(self):
        self.step(FRAME_NS // STEP_NS)

    def step(self, physics_steps):
        with self._changed:
            self._left += physics_steps
            self._changed.notify_all()

    def refusal(self):
        return ""

    def end_step(self, command, expected_ns):
        return True

    def teleport(self, pose, deadline_s):
        self._drawing_done()
        if time.monotonic() > deadline_s:
            raise CarFault("the teleport came too late")
        self._pose = (pose.x_m, pose.y_m, pose.yaw_rad)
        return None

    def end(self):
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._world.join()
        self._told.put(None)
        self._teller.join()
        self._drawing_done()

    def _run(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._left or self._ended)
                if self._ended:
                    return
            self.time_ns += STEP_NS
            if self.time_ns % self._odometry_ns == 0:
                self._told.put((time.monotonic() + self._odometry_s, self._sample()))
            if self.time_ns % FRAME_NS == 0:
                self._drawing_done()
                self._drawing = threading.Thread(target=self._draw, args=(self.time_ns,))
                self._drawing.start()
            with self._changed:
                self._left -= 1

    def _drawing_done(self):
        if self._drawing.ident is not None:
            self._drawing.join()

    def _tell(self):
        while (told := self._told.get()) is not None:
            due_s, message = told
            time.sleep(max(0.0, due_s - time.monotonic()))
            self._odometry.publish(message)

    def _sample(self):
        message = Odometry()
        message.header.stamp = stamp_message(self.time_ns)
        place = message.pose.pose
        place.position.x, place.position.y, yaw_rad = self._pose
        place.orientation.z, place.orientation.w = math.sin(yaw_rad / 2), math.cos(yaw_rad / 2)
        return message

    def _draw(self, time_ns):
        time.sleep(self._frame_s)
        self._frame_s = self._next_frame_s
        self._images.publish(image_message(np.full((48, 64, 3), 9, np.uint8), time_ns, "camera"))
