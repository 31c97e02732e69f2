"""Worlds, models, bridge, nodes and settings must name the same things; nothing else tells."""

from xml.etree import ElementTree

import pytest
import yaml
from gazebo_helpers import ROOT, WrittenWorld, checked_in, number, plugin

from f1_rl.circuits import circuit_names
from f1_rl.gazebo import bridge_yaml, names, qos_overrides, service_arguments
from f1_rl.gazebo.names import CAR_MODELS
from f1_rl.gazebo.settings import WorldSettings
from f1_rl.ros.settings import RosCarSettings

LAUNCH_ARGUMENTS = "config/simulator.yaml"


@pytest.fixture(scope="module")
def stored() -> dict[str, str]:
    return checked_in("worlds", "models")


@pytest.fixture(scope="module")
def topics() -> dict[str, dict]:
    entries = yaml.safe_load((ROOT / "config" / "bridge.yaml").read_text("utf-8"))
    return {entry["ros_topic_name"]: entry for entry in entries}


@pytest.fixture(scope="module", params=list(CAR_MODELS.values()))
def car(request, stored):
    return ElementTree.fromstring(stored[f"models/{request.param}/model.sdf"]).find("model")


def test_the_car_behind_topics_steps_the_physics_of_the_worlds():
    assert RosCarSettings().physics_step_ms == WorldSettings().physics_step_ms


def test_our_simulator_node_has_the_periods_and_the_picture_of_the_worlds():
    text = (ROOT / LAUNCH_ARGUMENTS).read_text("utf-8")
    parameters = yaml.safe_load(text)["/**"]["ros__parameters"]
    settings = WorldSettings()
    assert parameters["frame_period_ms"] == settings.frame_period_ms
    assert parameters["odometry_period_ms"] == settings.odometry_period_ms
    assert parameters["width"] == settings.camera.width
    assert parameters["height"] == settings.camera.height
    assert parameters["horizontal_fov_rad"] == settings.camera.horizontal_fov_rad


@pytest.mark.parametrize("circuit", circuit_names())
def test_every_world_has_the_same_names_and_systems(circuit, stored):
    world = WrittenWorld.read(stored, circuit)
    assert world.world.get("name") == names.WORLD
    assert world.world.findall("include")[1].findtext("name") == names.ENTITY
    systems = {(p.get("filename"), p.get("name")) for p in world.world.findall("plugin")}
    assert systems == {
        ("gz-sim-physics-system", "gz::sim::systems::Physics"),
        ("gz-sim-user-commands-system", "gz::sim::systems::UserCommands"),
        ("gz-sim-sensors-system", "gz::sim::systems::Sensors"),
        ("gz-sim-contact-system", "gz::sim::systems::Contact"),
        ("gz-sim-scene-broadcaster-system", "gz::sim::systems::SceneBroadcaster"),
    }
    assert plugin(world.world, "Sensors").findtext("render_engine") == "ogre2"
    assert number(world.world, "physics/real_time_factor") == 1.0


def test_every_name_of_a_model_leads_to_a_file(stored):
    for path in stored:
        if not path.endswith("model.sdf"):
            continue
        for part in stored[path].split("model://")[1:]:
            assert f"models/{part.split('<')[0]}" in stored


def test_periods_are_whole_milliseconds_and_divide(car, stored):
    world = WrittenWorld.read(stored, "simple").world
    step_ms = 1000 * number(world, "physics/max_step_size")
    frame_ms = 1000 / number(car.find(".//sensor[@type='camera']"), "update_rate")
    odometry_ms = 1000 / number(plugin(car, "OdometryPublisher"), "odom_publish_frequency")
    for period_ms in (step_ms, frame_ms, odometry_ms):
        assert period_ms == pytest.approx(round(period_ms), abs=1e-9)
    assert round(odometry_ms) % round(step_ms) == 0
    assert round(frame_ms) % round(odometry_ms) == 0


def test_the_bridge_passes_on_every_topic_of_the_car(car, topics):
    drive = plugin(car, "VelocityControl")
    if drive is None:
        drive = plugin(car, "AckermannSteering")
    odometry = plugin(car, "OdometryPublisher")
    camera = car.find(".//sensor[@type='camera']")
    spoken = {
        names.IMAGE_TOPIC: camera.findtext("topic"),
        names.CAMERA_INFO_TOPIC: camera.findtext("camera/camera_info_topic"),
        names.ODOMETRY_TOPIC: odometry.findtext("odom_topic"),
        names.CONTACT_TOPIC: car.findtext(".//sensor[@type='contact']/contact/topic"),
        names.COMMAND_TOPIC: drive.findtext("topic"),
        names.CLOCK_TOPIC: "/clock",
    }
    assert {name: entry["gz_topic_name"] for name, entry in topics.items()} == spoken


def test_the_frames_are_those_of_the_simulator_node(car):
    odometry = plugin(car, "OdometryPublisher")
    assert odometry.findtext("odom_frame") == names.ODOMETRY_FRAME
    assert odometry.findtext("robot_base_frame") == names.BASE_FRAME
    assert car.findtext(".//sensor[@type='camera']/camera/optical_frame_id") == names.OPTICAL_FRAME
    assert car.find("link").get("name") == names.BASE_FRAME


def test_each_topic_of_the_bridge_says_direction_queues_and_laziness(topics):
    for name, entry in topics.items():
        expected = "ROS_TO_GZ" if name == names.COMMAND_TOPIC else "GZ_TO_ROS"
        assert entry["direction"] == expected
        assert entry["publisher_queue"] >= 1
        assert entry["subscriber_queue"] >= 1
        assert entry["gz_type_name"].startswith("gz.msgs.")
        assert "/msg/" in entry["ros_type_name"]
    # A lazy bridge connects a second later: in lock-step that frame never comes.
    needed = {names.IMAGE_TOPIC, names.ODOMETRY_TOPIC, names.COMMAND_TOPIC, names.CONTACT_TOPIC}
    assert not any(topics[name]["lazy"] for name in needed)
    # Thousands of messages a second, for whoever asks.
    assert topics[names.CLOCK_TOPIC]["lazy"]


def test_the_bridge_file_is_what_the_package_writes():
    assert (ROOT / "config" / "bridge.yaml").read_text("utf-8") == bridge_yaml()


def test_the_services_are_those_of_the_car_behind_topics():
    settings = RosCarSettings()
    assert service_arguments() == [
        f"world/{settings.world}/control@ros_gz_interfaces/srv/ControlWorld",
        f"world/{settings.world}/set_pose/blocking@ros_gz_interfaces/srv/SetEntityPose",
    ]


def test_quality_of_service_is_set_for_each_topic(topics):
    parameters = qos_overrides("/cars/red")
    for name, entry in topics.items():
        end = "publisher" if entry["direction"] == "GZ_TO_ROS" else "subscription"
        prefix = f"qos_overrides./cars/red/{name}.{end}"
        reliability = "reliable" if end == "publisher" else "best_effort"
        assert parameters[f"{prefix}.reliability"] == reliability
        assert parameters[f"{prefix}.depth"] >= 1
    assert len(parameters) == 3 * len(topics)
    assert "qos_overrides./odom.publisher.depth" in qos_overrides()
