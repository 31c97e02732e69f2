"""Boxes and slower cars on the simulator node's road, over the real middleware."""

import gymnasium
import numpy as np
import pytest

from f1_rl.circuits import Poses, load_circuit
from f1_rl.driving.cars import CarMisfit
from f1_rl.driving.registration import CAMERA_ROS_ID, register_gymnasium_envs
from f1_rl.ros.clockwork import Pose
from f1_rl.simulation import Appearance, Camera, Renderer, Traffic
from f1_rl.simulation.scenery import Scenery

CIRCUIT = load_circuit("simple")
CAMERA = Camera(width=160, height=120)
SIZE = {"width": 160, "height": 120}
LOCK_STEP = {
    "circuit": "simple",
    "start_paused": True,
    "physics_step_ms": 50,
    "odometry_period_ms": 50,
    **SIZE,
}
BOX, SLOWER = 0, 1


@pytest.fixture
def join(domain_id):
    register_gymnasium_envs()
    made = []

    def make(namespace, traffic):
        env = gymnasium.make(
            CAMERA_ROS_ID,
            disable_env_checker=True,
            namespace=namespace,
            camera=SIZE,
            observation={"columns": 40},
            circuits=["simple"],
            traffic=traffic,
            ros={"recovery_timeout_s": 20.0},
        )
        made.append(env)
        return env

    yield make
    for env in made:
        env.close()


def put(cars, arc_length_m, lateral_m):
    """Put the car on the road, without letting slower ones by."""
    (x_m,), (y_m,), (yaw_rad,) = (
        getattr(CIRCUIT.pose_at(arc_length_m, lateral_m), name)
        for name in ("x_m", "y_m", "yaw_rad")
    )
    cars.cars[0].place(Pose(float(x_m), float(y_m), float(yaw_rad)))


def place_of(cars, obstacle):
    """Where an obstacle is: arc length and lateral offset."""
    there = CIRCUIT.project(Poses(*cars.obstacles.poses_m[:, obstacle].T))
    return there.arc_length_m, there.lateral_error_m


def drawn(cars):
    """What the embedded camera sees from the car, with the obstacles where the task has them."""
    scenery = Scenery.of_traffic(Traffic(boxes=1, cars=1, seed=3), cars.obstacles.poses_m)
    renderer = Renderer([CIRCUIT], CAMERA)
    return renderer.frames(np.zeros(1, np.int64), cars.poses, Appearance.nominal(1), scenery)[0]


def test_frames_show_the_obstacles_where_the_task_measures_them(start, join):
    start(
        "f1_rl.nodes.simulator",
        "-r",
        "__ns:=/crowded",
        traffic="[boxes=1, cars=1, seed=3]",
        **LOCK_STEP,
    )
    env = join("/crowded", {"boxes": 1, "cars": 1, "seed": 3})
    env.reset(seed=0)
    cars = env.unwrapped.task.cars
    empty = Renderer([CIRCUIT], CAMERA)
    for obstacle in (BOX, SLOWER, SLOWER):
        arc_m, lateral_m = place_of(cars, obstacle)
        put(cars, arc_m - 3.0, lateral_m)
        cars.step(np.zeros((1, 2)))
        seen = cars.frame(0)
        np.testing.assert_allclose(seen.astype(int), drawn(cars), atol=1)
        road = empty.frames(np.zeros(1, np.int64), cars.poses, Appearance.nominal(1))[0]
        assert (seen != road).any(axis=-1).sum() > 100, "it is in the picture"
        # Meanwhile the slower car drives on, and is where it would be had nobody been placed.
        before_m, _ = place_of(cars, SLOWER)
        for _ in range(20):
            cars.step(np.zeros((1, 2)))
        after_m, _ = place_of(cars, SLOWER)
        assert (after_m - before_m) % CIRCUIT.length_m == pytest.approx(2.0, abs=0.6)


def test_driving_into_a_box_ends_the_episode_with_a_collision(start, join):
    start("f1_rl.nodes.simulator", "-r", "__ns:=/boxed", traffic="[boxes]", **LOCK_STEP)
    env = join("/boxed", "boxes")
    env.reset(seed=0)
    cars = env.unwrapped.task.cars
    arc_m, lateral_m = place_of(cars, BOX)
    put(cars, arc_m - 1.8, lateral_m)
    task = env.unwrapped.task
    turns = [abs(task.commands_of(np.array([action]))[0, 1]) for action in range(5)]
    straight = int(np.argmin(turns))
    for _ in range(40):
        _, _, terminated, _, info = env.step(straight)
        if terminated:
            break
    assert info["ending"] == "collision"
    assert cars.clearance_m[0] == 0.0


@pytest.mark.parametrize("asked", ["none", "mixed", {"boxes": 6, "seed": 1}])
def test_other_traffic_than_the_simulators_is_refused(start, join, asked):
    namespace = f"/other_{'own' if isinstance(asked, dict) else asked}"
    start("f1_rl.nodes.simulator", "-r", f"__ns:={namespace}", traffic="[boxes]", **LOCK_STEP)
    env = join(namespace, asked)
    with pytest.raises(CarMisfit, match=r"the road has 6 boxes and 0 slower cars \(seed 0\), not"):
        env.reset(seed=0)


@pytest.mark.parametrize(
    ("traffic", "sentence"),
    [
        ("[rush_hour]", "Traffic 'rush_hour' is unknown"),
        ("[boxes=40]", "Traffic of 40 obstacles needs 328 m of road"),
        ("[boxs=2]", "boxs"),
        ("[cars=1, 'car_speed_mps=[0.0, 0.0]']", "more than a day for a lap"),
    ],
)
def test_traffic_that_cannot_be_is_refused_at_the_start(start, traffic, sentence):
    node = start("f1_rl.nodes.simulator", traffic=traffic, ready=None, **LOCK_STEP)
    assert node.wait(timeout_s=60.0) == 2
    assert sentence in node.output()
    assert "Traceback" not in node.output()
