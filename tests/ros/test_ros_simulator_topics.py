"""What RViz and ros2 tools want of the simulator node, and a car that varies or is left alone."""

import json
import math
import time
from importlib.util import find_spec
from pathlib import Path as File

import numpy as np
import pytest
import yaml
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry, Path
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from f1_rl.circuits import load_circuit
from f1_rl.gazebo import names
from f1_rl.gazebo.names import BASE_FRAME, ODOMETRY_FRAME, OPTICAL_FRAME
from f1_rl.nodes import simulator_topics as topics
from f1_rl.nodes.parameters import ParameterError
from f1_rl.nodes.simulator import SimulatorNode
from f1_rl.nodes.simulator_parameters import SimulatorParameters
from f1_rl.ros.frames import camera_transform
from f1_rl.ros.messages import decode_image, read_odometry, twist_message
from f1_rl.ros.qos import latched, lossless
from f1_rl.settings import SettingsError
from f1_rl.simulation import Camera, Variation

SMALL = {"circuit": "simple", "width": 64, "height": 48}
needs_tf2 = pytest.mark.skipif(
    find_spec("tf2_msgs") is None, reason="tf2_msgs is not installed: it comes with ROS, not pip"
)


def rotated(quaternion, vector):
    """Return a vector turned by a `geometry_msgs/Quaternion`."""
    axis = np.array([quaternion.x, quaternion.y, quaternion.z])
    doubled = 2.0 * np.cross(axis, vector)
    return np.asarray(vector) + quaternion.w * doubled + np.cross(axis, doubled)


@pytest.mark.parametrize("pitch_rad", [0.0, 0.2])
def test_the_camera_looks_along_z_of_its_optical_frame(pitch_rad):
    camera = Camera(pitch_rad=pitch_rad)
    transform = camera_transform(camera)
    assert (transform.header.frame_id, transform.child_frame_id) == (BASE_FRAME, OPTICAL_FRAME)
    rotation, place = transform.transform.rotation, transform.transform.translation
    assert (place.x, place.y, place.z) == (camera.x_m, camera.y_m, camera.z_m)
    forward = [math.cos(pitch_rad), 0.0, -math.sin(pitch_rad)]
    assert rotated(rotation, [0.0, 0.0, 1.0]) == pytest.approx(np.array(forward))
    assert rotated(rotation, [1.0, 0.0, 0.0]) == pytest.approx(np.array([0.0, -1.0, 0.0]))
    # The ground is below: a ray through the middle of a row meets it where the camera says.
    row = camera.height - 0.5
    slope = (row - camera.height / 2) / camera.focal_length_px
    ray = rotated(rotation, [0.0, slope, 1.0])
    ahead_m = camera.z_m / -ray[2] * ray[0]
    assert ahead_m == pytest.approx(camera.ground_distance_m(camera.height - 1), rel=1e-6)


def test_who_comes_later_is_told_the_centre_line(start, listen):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/line", start_paused=True, **SMALL)
    listener = listen("/line")
    listener.listen(Path, topics.CENTRE_LINE_TOPIC, latched())
    path = listener.wait_for(topics.CENTRE_LINE_TOPIC, 1)[0]
    assert path.header.frame_id == ODOMETRY_FRAME
    assert all(pose.header == path.header for pose in path.poses)
    points = np.array([(pose.pose.position.x, pose.pose.position.y) for pose in path.poses])
    circuit = load_circuit("simple")
    assert np.array_equal(points[0], points[-1])
    length_m = np.hypot(*np.diff(points, axis=0).T).sum()
    assert length_m == pytest.approx(circuit.length_m, rel=0.01)
    ahead = path.poses[1].pose.position
    yaw_rad = 2.0 * math.atan2(path.poses[0].pose.orientation.z, path.poses[0].pose.orientation.w)
    direction = math.atan2(ahead.y - points[0][1], ahead.x - points[0][0])
    assert yaw_rad == pytest.approx(direction, abs=0.05)


@needs_tf2
def test_the_frames_hang_together_and_follow_the_car(start, listen):
    from tf2_msgs.msg import TFMessage

    start("f1_rl.nodes.simulator", "-r", "__ns:=/tree", **SMALL)
    listener = listen("/tree")
    listener.listen(TFMessage, topics.STATIC_TRANSFORM_TOPIC, latched())
    (camera,) = listener.wait_for(topics.STATIC_TRANSFORM_TOPIC, 1)[0].transforms
    assert camera == camera_transform(Camera(width=64, height=48))
    listener.listen(TFMessage, topics.TRANSFORM_TOPIC, lossless(100))
    listener.listen(Odometry, names.ODOMETRY_TOPIC)
    listener.wait_for(topics.TRANSFORM_TOPIC, 20)
    listener.wait_for(names.ODOMETRY_TOPIC, 20)
    odometry = {str(m.header.stamp): m for m in list(listener.came[names.ODOMETRY_TOPIC])}
    both = 0
    for message in list(listener.came[topics.TRANSFORM_TOPIC]):
        (transform,) = message.transforms
        assert (transform.header.frame_id, transform.child_frame_id) == (ODOMETRY_FRAME, BASE_FRAME)
        same = odometry.get(str(transform.header.stamp))
        if same is not None:
            both += 1
            assert transform.transform.translation.x == same.pose.pose.position.x
            assert transform.transform.rotation == same.pose.pose.orientation
    assert both > 10


@needs_tf2
def test_frames_can_be_left_to_somebody_else(start, listen):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/treeless", publish_tf=False, **SMALL)
    listener = listen("/treeless")
    listener.listen(Odometry, names.ODOMETRY_TOPIC)
    listener.wait_for(names.ODOMETRY_TOPIC, 1)
    offered = [name for name, _ in listener.graph.node.get_topic_names_and_types()]
    assert "/treeless/centre_line" in offered
    assert "/treeless/tf" not in offered


def step(listener):
    return json.loads(listener.call(Trigger, "simulator/step", Trigger.Request()).message)


def commander(listener):
    publisher = listener.graph.node.create_publisher(Twist, "cmd_vel", lossless(1))
    until = time.monotonic() + 20.0
    while publisher.get_subscription_count() == 0 and time.monotonic() < until:
        time.sleep(0.02)
    return publisher


def speeds_after_a_command(listener, steps):
    """Command 2 m/s once, and return the car's speed at the end of each step of 50 ms after it."""
    samples = listener.listen(Odometry, names.ODOMETRY_TOPIC)
    publisher = commander(listener)
    until = time.monotonic() + 20.0
    state = {"command": [0.0, 0.0]}
    publisher.publish(twist_message(2.0, 0.0))
    while state["command"] != [2.0, 0.0]:
        assert time.monotonic() < until
        before = len(samples)
        state = step(listener)
    begin = before + 5
    for _ in range(steps - 1):
        state = step(listener)
    listener.wait_for(names.ODOMETRY_TOPIC, before + 5 * steps)
    messages = samples[begin - 1 : begin - 1 + 5 * steps : 5]
    return [read_odometry(message).speed_mps for message in messages], state


def test_a_car_that_is_left_alone_stops_when_its_command_has_timed_out(start, listen):
    start(
        *("f1_rl.nodes.simulator", "-r", "__ns:=/alone"),
        **{"start_paused": True, "command_timeout_s": 0.2, **SMALL},
    )
    listener = listen("/alone")
    speeds, state = speeds_after_a_command(listener, 6)
    assert speeds == [2.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    assert state["command"] == [0.0, 0.0]
    speeds, _ = speeds_after_a_command(listener, 2)
    assert speeds == [2.0, 2.0]


def test_without_a_timeout_it_drives_on_as_in_gazebo(start, listen):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/on", start_paused=True, **SMALL)
    speeds, state = speeds_after_a_command(listen("/on"), 30)
    assert speeds == [2.0] * 30
    assert state["command"] == [2.0, 0.0]


def test_commands_act_after_the_delay_asked_for(start, listen):
    start(
        *("f1_rl.nodes.simulator", "-r", "__ns:=/late"),
        **{"start_paused": True, "variation": "['action_delay_s=[0.1, 0.1]']", **SMALL},
    )
    speeds, _ = speeds_after_a_command(listen("/late"), 5)
    assert speeds == [0.0, 0.0, 2.0, 2.0, 2.0]


def frames_of_resets(start, listen, namespace, **parameters):
    """Return the picture after each of two resets to the start."""
    start(
        *("f1_rl.nodes.simulator", "-r", f"__ns:=/{namespace}"),
        **{"start_paused": True, **SMALL, **parameters},
    )
    listener = listen(f"/{namespace}")
    listener.listen(Image, names.IMAGE_TOPIC)
    client = listener.graph.node.create_client(Trigger, "simulator/step")
    listener.graph.wait_for_service(client, time.monotonic() + 20.0)
    pictures = []
    while not listener.came[names.IMAGE_TOPIC]:
        step(listener)
    for _ in range(2):
        listener.call(Trigger, "simulator/reset", Trigger.Request())
        before = len(listener.came[names.IMAGE_TOPIC])
        step(listener)
        message = listener.wait_for(names.IMAGE_TOPIC, before + 1)[-1]
        pictures.append(decode_image(message).astype(int))
    return pictures


def test_every_reset_draws_how_the_world_looks_anew_from_the_seed(start, listen):
    look = {"variation": "['domain', 'noise_sigma=[0.0, 0.0]']"}
    plain = frames_of_resets(start, listen, "plain")
    assert np.array_equal(*plain)
    first = frames_of_resets(start, listen, "first", seed=1, **look)
    assert np.abs(first[0] - plain[0]).mean() > 2.0
    assert np.abs(first[0] - first[1]).mean() > 2.0
    again = frames_of_resets(start, listen, "again", seed=1, **look)
    other = frames_of_resets(start, listen, "other", seed=2, **look)
    # How many steps it took until the first frame came does not matter to what is drawn.
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("variation", "expected"),
    [
        (("",), Variation()),
        (("domain",), Variation.domain()),
        (("blur_px=[0.0, 1.0]",), Variation(blur_px=(0.0, 1.0))),
    ],
)
def test_the_variation_is_that_of_the_settings(variation, expected):
    assert SimulatorParameters(variation=variation).read_variation() == expected


@pytest.mark.parametrize(
    ("variation", "reason"),
    [
        ("domian", "write domain, or NAME=VALUE"),
        ("blurr_px=[0.0, 1.0]", "there is no setting 'blurr_px'"),
        ("blur_px=[0.0]", "parameter variation: blur_px"),
        ("blur_px=[2.0, 1.0]", "blur_px"),
        ("noise_sigma=lots", "parameter variation: noise_sigma"),
    ],
)
def test_a_variation_that_there_is_not_is_refused_in_a_sentence(variation, reason):
    with pytest.raises((SettingsError, ValueError), match=reason):
        SimulatorParameters(variation=(variation,)).read_variation()


def test_the_node_refuses_such_a_variation_too(domain_id):
    import rclpy
    from rclpy.context import Context

    context = Context()
    rclpy.init(context=context)
    try:
        given = [Parameter("variation", value=["domian"])]
        with pytest.raises(ParameterError, match="write domain"):
            SimulatorNode(context=context, parameter_overrides=given)
    finally:
        rclpy.shutdown(context=context)


def rviz_displays(repository: File):
    manager = yaml.safe_load((repository / "rviz" / "f1_rl.rviz").read_text())[
        "Visualization Manager"
    ]
    return manager["Global Options"], {one["Name"]: one for one in manager["Displays"]}


def test_rviz_shows_topics_of_the_simulator_and_of_the_driver(repository):
    options, displays = rviz_displays(repository)
    assert options["Fixed Frame"] == ODOMETRY_FRAME
    shown = {name: one["Topic"]["Value"] for name, one in displays.items() if "Topic" in one}
    assert shown == {
        "Camera": f"/{names.IMAGE_TOPIC}",
        "Odometry": f"/{names.ODOMETRY_TOPIC}",
        "Centre line": f"/{topics.CENTRE_LINE_TOPIC}",
        "What the network looks at": "/driver/debug_image",
        "Drive": "/driver/dashboard",
    }
    line = displays["Centre line"]["Topic"]
    assert (line["Durability Policy"], line["Reliability Policy"]) == (
        "Transient Local",
        "Reliable",
    )
    frames = displays["Frames"]["Frames"]
    assert frames.keys() - {"All Enabled"} == {ODOMETRY_FRAME, BASE_FRAME, OPTICAL_FRAME}
