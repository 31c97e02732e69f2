import math

import numpy as np
import pytest
from gazebo_helpers import WrittenWorld, checked_in, floats, number, plugin

from f1_rl.circuits import load_circuit
from f1_rl.gazebo import WorldSettings, world_files
from f1_rl.simulation import Camera, SingleTrackCar
from f1_rl.simulation.car_parameters import CAR


def car(kind: str):
    files = world_files(load_circuit("oval"), WorldSettings(car=kind))
    return WrittenWorld.read(files, "oval").car


@pytest.fixture(scope="module", params=["kinematic", "ackermann"])
def either(request):
    return car(request.param)


@pytest.fixture(scope="module")
def ackermann():
    return car("ackermann")


def link(model, name: str):
    return model.find(f"link[@name='{name}']")


def joint(model, name: str):
    return model.find(f"joint[@name='{name}']")


def test_the_camera_is_that_of_the_embedded_simulator(either):
    sensor = link(either, "base_link").find("sensor[@type='camera']")
    camera = Camera()
    pose = [camera.x_m, camera.y_m, camera.z_m, 0.0, camera.pitch_rad, 0.0]
    assert floats(sensor, "pose") == pytest.approx(pose)
    assert number(sensor, "camera/horizontal_fov") == camera.horizontal_fov_rad
    assert number(sensor, "camera/image/width") == camera.width
    assert number(sensor, "camera/image/height") == camera.height
    assert sensor.findtext("camera/image/format") == "R8G8B8"
    clip = (number(sensor, "camera/clip/near"), number(sensor, "camera/clip/far"))
    assert clip == (camera.near_m, camera.far_m)


def test_the_camera_sees_the_circuit_and_nothing_of_the_car(either):
    mask = int(link(either, "base_link").findtext(".//visibility_mask"))
    flags = [int(visual.findtext("visibility_flags")) for visual in either.iter("visual")]
    assert len(flags) > 10
    assert not any(mask & flag for flag in flags)
    # The engines keep the upper four bits for themselves.
    assert mask < 1 << 28
    circuit = WrittenWorld.read(checked_in("worlds", "models"), "simple").circuit
    assert circuit.find(".//visibility_flags") is None


def test_a_contact_sensor_feels_the_body(either):
    base = link(either, "base_link")
    sensor = base.find("sensor[@type='contact']")
    collisions = [collision.get("name") for collision in base.findall("collision")]
    assert [element.text for element in sensor.findall("contact/collision")] == collisions
    # A topic beside <contact> would be ignored.
    assert sensor.find("topic") is None
    assert sensor.find("contact/topic") is not None
    size, centre = floats(base, "collision/geometry/box/size"), floats(base, "collision/pose")
    assert centre[2] - size[2] / 2 > 0.02


def test_the_kinematic_car_has_no_weight_and_touches_no_ground():
    model = car("kinematic")
    assert [link.get("name") for link in model.findall("link")] == ["base_link"]
    assert link(model, "base_link").findtext("gravity") == "false"
    assert plugin(model, "VelocityControl") is not None
    assert plugin(model, "AckermannSteering") is None


def test_both_cars_weigh_what_the_parameters_say(either):
    masses = [float(mass.text) for mass in either.iter("mass")]
    assert sum(masses) == pytest.approx(CAR.mass_kg)
    for inertia in either.iter("inertia"):
        ixx, iyy, izz = (number(inertia, name) for name in ("ixx", "iyy", "izz"))
        assert min(ixx, iyy, izz) > 0.0
        assert max(ixx, iyy, izz) <= ixx + iyy + izz - max(ixx, iyy, izz)


def test_the_embedded_car_and_gazebos_follow_the_same_parameters(ackermann):
    embedded = SingleTrackCar()
    steering = plugin(ackermann, "AckermannSteering")
    assert number(steering, "wheel_base") == embedded.wheelbase_m
    # Gazebo's tightest radius is wheelbase / sin(limit).
    radius_m = number(steering, "wheel_base") / math.sin(number(steering, "steering_limit"))
    assert radius_m == pytest.approx(embedded.min_radius_m, rel=1e-4)
    for side in ("left", "right"):
        limit = joint(ackermann, f"front_{side}_steering").find("axis/limit")
        assert number(limit, "velocity") == embedded.max_steering_rate_radps
        assert number(limit, "upper") == -number(limit, "lower") > embedded.max_steering_rad
        # Without it the limits of the angle are not kept.
        assert 0.0 < number(limit, "effort") < math.inf
    for collision in ackermann.iter("collision"):
        if collision.get("name") == "tyre_collision":
            assert number(collision, "surface/friction/ode/mu") == embedded.friction


def test_the_driven_wheels_push_as_hard_as_the_embedded_car_accelerates(ackermann):
    torque = sum(
        number(joint(ackermann, f"rear_{side}_axle"), "axis/limit/effort")
        for side in ("left", "right")
    )
    wheels = [
        link(ackermann, f"{axle}_{side}_wheel")
        for axle in ("front", "rear")
        for side in ("left", "right")
    ]
    radius = number(wheels[0], "collision/geometry/sphere/radius")
    spun = sum(number(wheel, "inertial/inertia/iyy") for wheel in wheels) / radius**2
    acceleration = torque / radius / (CAR.mass_kg + spun)
    assert acceleration == pytest.approx(SingleTrackCar().max_acceleration_mps2, rel=1e-3)


def test_the_wheels_stand_on_the_road_at_the_corners_of_wheelbase_and_track(ackermann):
    steering = plugin(ackermann, "AckermannSteering")
    places = {}
    for axle in ("front", "rear"):
        for side in ("left", "right"):
            wheel = link(ackermann, f"{axle}_{side}_wheel")
            places[axle, side] = np.array(floats(wheel, "pose")[:3])
            assert number(wheel, "collision/geometry/sphere/radius") == places[axle, side][2]
            assert number(wheel, "visual/geometry/cylinder/radius") == places[axle, side][2]
            assert number(steering, "wheel_radius") == places[axle, side][2]
    wheelbase = places["front", "left"] - places["rear", "left"]
    np.testing.assert_allclose(wheelbase, [SingleTrackCar().wheelbase_m, 0.0, 0.0])
    track = places["rear", "left"] - places["rear", "right"]
    np.testing.assert_allclose(track, [0.0, number(steering, "wheel_separation"), 0.0])
    # base_link is the point that the embedded car moves: the middle of the rear axle.
    assert places["rear", "left"][0] == 0.0


def test_every_joint_joins_two_links_of_the_car(ackermann):
    links = {link.get("name") for link in ackermann.findall("link")}
    joints = {joint.get("name"): joint for joint in ackermann.findall("joint")}
    for element in joints.values():
        assert {element.findtext("parent"), element.findtext("child")} <= links
    assert {element.findtext("child") for element in joints.values()} == links - {"base_link"}
    steering = plugin(ackermann, "AckermannSteering")
    named = [element.text for element in steering if element.tag.endswith("joint")]
    assert len(named) == 4
    assert set(named) <= joints.keys()
