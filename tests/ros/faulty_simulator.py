"""The simulator node with a camera, an odometry or an answer that fails on request.

The parameter `fault` names how, `after` how many steps after a reset it begins, and `times` how
many steps it lasts.
"""

import array
import math
import sys
import time

from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from f1_rl.nodes.simulator import SimulatorNode, run
from f1_rl.ros.messages import image_message, stamp_message


class FaultySimulator(SimulatorNode):
    def __init__(self):
        self.steps = 0
        self.held = None
        super().__init__(
            parameter_overrides=[
                Parameter("width", value=64),
                Parameter("height", value=48),
                Parameter("start_paused", value=True),
                Parameter("odometry_period_ms", value=50),
                Parameter("physics_step_ms", value=50),
            ]
        )
        self.node.declare_parameter("fault", "")
        self.node.declare_parameter("after", 3)
        topics = self._topics
        publish, self._images_publish = topics._odometry.publish, topics._images.publish
        self.answer_steps()
        topics._odometry = _Through(topics._odometry, lambda sent: self.odometry(publish, sent))
        topics._images = _Through(topics._images, self.image)

    def answer_steps(self):
        """Have steps answered as often as the fault says."""
        (service,) = (item for item in self.node.services if item.srv_name.endswith("/step"))
        send = service.send_response

        def send_often(response, header):
            times = {"unanswered": 0, "ignored": 0, "answered_twice": 2}
            for _ in range(times.get(self.fault(), 1)):
                send(response, header)

        service.send_response = send_often

    def fault(self):
        if self.steps <= self.node.get_parameter("after").value:
            return ""
        return self.node.get_parameter("fault").value

    def odometry(self, publish, message):
        fault = self.fault()
        if fault == "odometry_stops":
            return
        if fault == "odometry_nan":
            message.pose.pose.position.x = math.nan
        publish(message)

    def image(self, message):
        publish, fault = self._images_publish, self.fault()
        time_ns = self.world.time_ns
        if fault == "camera_stops":
            return
        if fault == "freezes":
            message.header.stamp = stamp_message(time_ns - 50_000_000)
        elif fault == "jumps_ahead":
            message.header.stamp = stamp_message(time_ns + 10_000_000_000)
        elif fault == "jumps_back":
            message.header.stamp = stamp_message(1)
        elif fault == "twice":
            publish(message)
        elif fault == "out_of_order":
            # The frame of the step before comes after the one of this step.
            old = image_message(255 - self.world.frame(), time_ns - 50_000_000, "camera")
            publish(message)
            message = old
        elif fault == "size":
            message = image_message(self.world.frame()[:24].copy(), time_ns, "camera")
        elif fault == "encoding":
            message = image_message(self.world.frame(), time_ns, "camera")
            message.encoding = "32FC1"
        elif fault == "truncated":
            message = image_message(self.world.frame(), time_ns, "camera")
            message.data = array.array("B", message.data[:-100])
        elif fault == "black":
            message = image_message(self.world.frame() * 0, time_ns, "camera")
        publish(message)

    def _on_reset(self, request, response):
        self.steps = 0
        return super()._on_reset(request, response)

    def _on_step(self, request, response):
        self.steps += 1
        fault = self.fault()
        if fault == "refused":
            response.success, response.message = False, "the world is on fire"
            return response
        if fault == "ignored":
            return response
        if fault == "late":
            time.sleep(0.9)
        if fault == "step_twice":
            super()._on_step(request, Trigger.Response())
        if fault == "other_command":
            self._commands.handle.take_message(self._commands.msg_type, False)
            self.world.command(0.5, 0.5)
        return super()._on_step(request, response)


class _Through:
    """A publisher whose `publish` is another."""

    def __init__(self, publisher, publish):
        self._publisher = publisher
        self.publish = publish

    def __getattr__(self, name):
        return getattr(self._publisher, name)


if __name__ == "__main__":
    sys.exit(run(FaultySimulator))
