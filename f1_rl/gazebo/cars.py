"""The models of the car: one that does as commanded, one with wheels, mass and limits.

Both carry the camera of the embedded simulator, odometry of the truth and a sensor of contacts.
The model's origin is `base_link`: on the ground, under the middle of the rear axle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from f1_rl.gazebo import names
from f1_rl.gazebo.lights import lamps
from f1_rl.gazebo.looks import Look
from f1_rl.gazebo.sdf import box, cylinder, document, element, painted, plugin
from f1_rl.gazebo.settings import Engine, WorldSettings, rate_hz
from f1_rl.simulation.car_parameters import CAR, CarParameters

CAMERA_VISIBILITY = 0x00010000
CAR_VISIBILITY = 0x0FFFFFFF & ~CAMERA_VISIBILITY
"""The car's own camera sees everything but the car, as the embedded one does."""

COLLISION = "body_collision"
_KNUCKLE_MASS_KG = 0.1

_RED = (196, 30, 42)
_DARK = (28, 28, 32)
_LIGHT = (225, 225, 228)

# Gazebo's steering turns the wheels at gain times error, up to the rate of the joint.
_STEERING_GAIN = 40.0
_STEERING_EFFORT_NM = 20.0

Vector = tuple[float, float, float]

# Name, colour, size and centre of each box of the bodywork, metres from base_link.
_BODYWORK: tuple[tuple[str, tuple[int, int, int], Vector, Vector], ...] = (
    ("tub", _RED, (0.64, 0.14, 0.07), (0.26, 0.0, 0.075)),
    ("nose", _RED, (0.30, 0.06, 0.04), (0.72, 0.0, 0.065)),
    ("left_sidepod", _RED, (0.30, 0.08, 0.06), (0.25, 0.11, 0.07)),
    ("right_sidepod", _RED, (0.30, 0.08, 0.06), (0.25, -0.11, 0.07)),
    ("engine_cover", _RED, (0.30, 0.06, 0.06), (0.07, 0.0, 0.135)),
    ("roll_hoop", _DARK, (0.04, 0.05, 0.04), (0.21, 0.0, 0.175)),
    ("cockpit", _DARK, (0.14, 0.08, 0.01), (0.33, 0.0, 0.115)),
    ("floor", _DARK, (0.66, 0.28, 0.01), (0.25, 0.0, 0.035)),
    ("front_wing", _LIGHT, (0.08, 0.40, 0.012), (0.86, 0.0, 0.04)),
    ("rear_wing", _LIGHT, (0.07, 0.28, 0.012), (-0.13, 0.0, 0.19)),
    ("left_rear_plate", _DARK, (0.10, 0.008, 0.12), (-0.12, 0.14, 0.14)),
    ("right_rear_plate", _DARK, (0.10, 0.008, 0.12), (-0.12, -0.14, 0.14)),
    ("rear_pillar", _DARK, (0.04, 0.02, 0.10), (-0.11, 0.0, 0.13)),
)
_HULL_SIZE_M: Vector = (CAR.length_m, CAR.width_m, 0.10)
_HULL_CENTRE_M: Vector = (round(CAR.middle_x_m, 6), 0.0, 0.08)


def car_sdf(settings: WorldSettings, car: CarParameters = CAR) -> str:
    """Return the file `model.sdf` of the car that the settings choose.

    Args:
        settings: Of the world.
        car: Sizes and limits.
    """
    make = _kinematic if settings.car == "kinematic" else _ackermann
    return document(make(settings, car))


def _kinematic(settings: WorldSettings, car: CarParameters) -> Element:
    """Return the car whose velocity is set at every step: without weight, touching nothing.

    Gazebo sets the vertical velocity to zero as well. With weight the body would sink by one
    step's fall a step, and on wheels it would rub.
    """
    wheels = [
        _visual(f"{name}_wheel", _upright(x, y, car), _wheel_shape(car), _DARK, settings)
        for name, x, y in _wheels(car)
    ]
    return element(
        "model",
        _base_link(settings, car, car.mass_kg, wheels, weightless=True),
        plugin(
            "velocity-control",
            "VelocityControl",
            element("topic", names.gazebo_topic(names.COMMAND_TOPIC)),
        ),
        _odometry(settings),
        name=names.CAR_MODELS["kinematic"],
    )


def _ackermann(settings: WorldSettings, car: CarParameters) -> Element:
    """Return the car on four wheels, driven at the rear and steered at the front.

    The wheels' collisions are spheres: they roll without the scrubbing of a wide cylinder. Speed
    is limited by the torque of the driven wheels, as Gazebo's own limit of acceleration would
    bound the change of the yaw rate by the same number; so the car brakes only as hard as it
    accelerates.
    """
    body_kg = car.mass_kg - 4 * car.wheel_mass_kg - 2 * _KNUCKLE_MASS_KG
    parts = [_base_link(settings, car, body_kg, (), weightless=False)]
    # To accelerate, the wheels must be spun up too.
    spun_kg = car.mass_kg + 4 * _wheel_inertia(car)[1] / car.wheel_radius_m**2
    torque_nm = car.max_acceleration_mps2 * spun_kg * car.wheel_radius_m / 2
    for name, x, y in _wheels(car):
        parts.append(_wheel_link(name, x, y, settings, car))
        if name.startswith("rear"):
            parts.append(_joint(f"{name}_axle", "base_link", f"{name}_wheel", (0, 1, 0), torque_nm))
            continue
        knuckle = f"{name}_knuckle"
        parts.append(_knuckle_link(knuckle, x, y, car))
        limits = (
            element("lower", -_joint_steering_limit_rad(car)),
            element("upper", _joint_steering_limit_rad(car)),
            element("velocity", car.max_steering_rate_radps),
        )
        steering = (0, 0, 1)
        parts += [
            _joint(f"{name}_steering", "base_link", knuckle, steering, _STEERING_EFFORT_NM, limits),
            _joint(f"{name}_axle", knuckle, f"{name}_wheel", (0, 1, 0), None),
        ]
    return element(
        "model",
        *parts,
        _steering(settings, car),
        _odometry(settings),
        name=names.CAR_MODELS["ackermann"],
    )


def _steering(settings: WorldSettings, car: CarParameters) -> Element:
    """Return the system that turns speed and yaw rate into wheels.

    It bounds the radius by wheelbase / sin(limit), the embedded car by wheelbase / tan(limit): the
    limit is converted. Its odometry counts wheel turns and is not used.
    """
    return plugin(
        "ackermann-steering",
        "AckermannSteering",
        element("topic", names.gazebo_topic(names.COMMAND_TOPIC)),
        element("left_joint", "rear_left_axle"),
        element("right_joint", "rear_right_axle"),
        element("left_steering_joint", "front_left_steering"),
        element("right_steering_joint", "front_right_steering"),
        element("wheel_separation", car.track_m),
        element("kingpin_width", car.track_m),
        element("wheel_base", car.wheelbase_m),
        element("wheel_radius", car.wheel_radius_m),
        element("steering_limit", round(math.asin(math.tan(car.max_steering_rad)), 6)),
        element("steer_p_gain", _STEERING_GAIN),
        element("odom_publish_frequency", rate_hz(settings.frame_period_ms)),
        element("odom_topic", f"/model/{names.ENTITY}/wheel_odometry"),
        element("tf_topic", f"/model/{names.ENTITY}/wheel_odometry_tf"),
        element("frame_id", names.ODOMETRY_FRAME),
        element("child_frame_id", names.BASE_FRAME),
    )


def _odometry(settings: WorldSettings) -> Element:
    return plugin(
        "odometry-publisher",
        "OdometryPublisher",
        element("odom_topic", names.gazebo_topic(names.ODOMETRY_TOPIC)),
        element("odom_covariance_topic", f"/model/{names.ENTITY}/odometry_with_covariance"),
        element("tf_topic", f"/model/{names.ENTITY}/pose"),
        element("odom_frame", names.ODOMETRY_FRAME),
        element("robot_base_frame", names.BASE_FRAME),
        element("odom_publish_frequency", rate_hz(settings.odometry_period_ms)),
        element("dimensions", 3),
    )


def _base_link(
    settings: WorldSettings,
    car: CarParameters,
    mass_kg: float,
    visuals: Iterable[Element],
    *,
    weightless: bool,
) -> Element:
    centre = (round(car.centre_of_mass_x_m, 6), 0.0, car.centre_of_mass_height_m)
    return element(
        "link",
        *([element("gravity", False)] if weightless else []),
        _inertial(mass_kg, _box_inertia(mass_kg, _HULL_SIZE_M), centre),
        *(
            _visual(name, (*centre_m, 0.0, 0.0, 0.0), box(size_m), rgb, settings)
            for name, rgb, size_m, centre_m in _BODYWORK
        ),
        *visuals,
        element(
            "collision",
            element("pose", (*_HULL_CENTRE_M, 0.0, 0.0, 0.0)),
            box(_HULL_SIZE_M),
            name=COLLISION,
        ),
        *lamps(Look.of(settings)),
        _camera(settings),
        element(
            "sensor",
            element("always_on", True),
            element(
                "contact",
                element("collision", COLLISION),
                element("topic", names.gazebo_topic(names.CONTACT_TOPIC)),
            ),
            name="contacts",
            type="contact",
        ),
        name=names.BASE_FRAME,
    )


def _camera(settings: WorldSettings) -> Element:
    look = Look.of(settings)
    camera = look.camera
    turned = (0.0, camera.pitch_rad, look.camera_yaw_rad)
    return element(
        "sensor",
        element("pose", (camera.x_m, camera.y_m, camera.z_m, *turned)),
        element("topic", names.gazebo_topic(names.IMAGE_TOPIC)),
        element("update_rate", rate_hz(settings.frame_period_ms)),
        element("always_on", True),
        element(
            "camera",
            element("camera_info_topic", names.gazebo_topic(names.CAMERA_INFO_TOPIC)),
            element("horizontal_fov", camera.horizontal_fov_rad),
            element(
                "image",
                element("width", camera.width),
                element("height", camera.height),
                element("format", "R8G8B8"),
            ),
            *_noise(look),
            element("clip", element("near", camera.near_m), element("far", camera.far_m)),
            element("optical_frame_id", names.OPTICAL_FRAME),
            element("visibility_mask", CAMERA_VISIBILITY),
        ),
        name="cam_f1_left",
        type="camera",
    )


def _noise(look: Look) -> tuple[Element, ...]:
    if look.noise_sigma == 0.0:
        return ()
    return (
        element(
            "noise",
            element("type", "gaussian"),
            element("mean", 0.0),
            element("stddev", round(look.noise_sigma / 255.0, 6)),
        ),
    )


def _wheels(car: CarParameters) -> list[tuple[str, float, float]]:
    """Return name, x and y of the wheels."""
    half = car.track_m / 2
    return [
        (f"{axle}_{side}", x, y)
        for axle, x in (("front", car.wheelbase_m), ("rear", 0.0))
        for side, y in (("left", half), ("right", -half))
    ]


def _wheel_link(
    name: str, x: float, y: float, settings: WorldSettings, car: CarParameters
) -> Element:
    grip = element(
        "surface",
        element(
            "friction",
            element(
                "ode",
                element("mu", car.friction),
                element("mu2", car.friction),
                # Along the axle. Friction is bounded by a square of forces, not by a circle; with
                # none of its sides across the wheel, a car in a turn holds up to 1.4 times as much.
                element("fdir1", (0, 1, 0)),
            ),
        ),
    )
    sphere = element("geometry", element("sphere", element("radius", car.wheel_radius_m)))
    lying = (0.0, 0.0, 0.0, round(math.pi / 2, 6), 0.0, 0.0)
    return element(
        "link",
        element("pose", (x, y, car.wheel_radius_m, 0.0, 0.0, 0.0)),
        _inertial(car.wheel_mass_kg, _wheel_inertia(car), (0.0, 0.0, 0.0)),
        _visual("tyre", lying, _wheel_shape(car), _DARK, settings),
        element("collision", sphere, grip, name="tyre_collision"),
        name=f"{name}_wheel",
    )


def _knuckle_link(name: str, x: float, y: float, car: CarParameters) -> Element:
    inertia = _box_inertia(_KNUCKLE_MASS_KG, (0.08, 0.08, 0.08))
    return element(
        "link",
        element("pose", (x, y, car.wheel_radius_m, 0.0, 0.0, 0.0)),
        _inertial(_KNUCKLE_MASS_KG, inertia, (0.0, 0.0, 0.0)),
        name=name,
    )


def _joint(
    name: str,
    parent: str,
    child: str,
    axis: Sequence[int],
    effort_nm: float | None,
    limits: Sequence[Element] = (),
) -> Element:
    effort = [] if effort_nm is None else [element("effort", round(effort_nm, 4))]
    limit = [element("limit", *limits, *effort)] if limits or effort else []
    return element(
        "joint",
        element("parent", parent),
        element("child", child),
        element("axis", element("xyz", axis), *limit),
        name=name,
        type="revolute",
    )


def _joint_steering_limit_rad(car: CarParameters) -> float:
    """Return how far the inner wheel turns in the tightest corner."""
    return round(math.atan(car.wheelbase_m / (car.min_radius_m - car.track_m / 2)), 6)


def _upright(x: float, y: float, car: CarParameters) -> Sequence[float]:
    return (x, y, car.wheel_radius_m, round(math.pi / 2, 6), 0.0, 0.0)


def _wheel_shape(car: CarParameters) -> Element:
    return cylinder(car.wheel_radius_m, car.wheel_width_m)


def _visual(
    name: str,
    pose: Sequence[float],
    geometry: Element,
    rgb: tuple[int, int, int],
    settings: WorldSettings,
) -> Element:
    engine: Engine = settings.render_engine
    return element(
        "visual",
        element("cast_shadows", False),
        element("pose", pose),
        geometry,
        painted(rgb, engine),
        element("visibility_flags", CAR_VISIBILITY),
        name=name,
    )


def _inertial(mass_kg: float, moments: Vector, centre_m: Vector) -> Element:
    ixx, iyy, izz = (round(moment, 8) for moment in moments)
    inertia = element("inertia", element("ixx", ixx), element("iyy", iyy), element("izz", izz))
    pose = element("pose", (*centre_m, 0.0, 0.0, 0.0))
    return element("inertial", pose, element("mass", round(mass_kg, 6)), inertia)


def _box_inertia(mass_kg: float, size_m: Vector) -> Vector:
    """Return the moments of inertia of a solid box about its middle."""
    xx, yy, zz = (side**2 for side in size_m)
    return (mass_kg * (yy + zz) / 12, mass_kg * (xx + zz) / 12, mass_kg * (xx + yy) / 12)


def _wheel_inertia(car: CarParameters) -> Vector:
    """Return the moments of inertia of a solid cylinder that lies along y."""
    about_axle = car.wheel_mass_kg * car.wheel_radius_m**2 / 2
    across = car.wheel_mass_kg * (3 * car.wheel_radius_m**2 + car.wheel_width_m**2) / 12
    return (across, about_axle, across)
