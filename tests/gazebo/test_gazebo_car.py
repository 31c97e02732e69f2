"""A car in a real Gazebo behind the real ros_gz_bridge, where both are installed.

F1_RL_RENDER_ENGINE chooses what draws (ogre2 by default).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from f1_rl.circuits import Poses, load_circuit
from f1_rl.driving.cars import CarFault
from f1_rl.driving.determinism import measure_divergence
from f1_rl.driving.perturbations import NOMINAL
from f1_rl.gazebo import WorldSettings, perturbed, write_world
from f1_rl.launching.gazebo import GazeboInstance
from f1_rl.launching.share import ament_prefix
from f1_rl.simulation import EMPTY_ROAD, Appearance, Camera, Renderer, Traffic
from f1_rl.simulation.scenery import Scenery

ENGINE = os.environ.get("F1_RL_RENDER_ENGINE", "ogre2")
INSTALLED = (
    shutil.which("gz") is not None
    and ament_prefix("ros_gz_bridge") is not None
    and find_spec("rclpy") is not None
    and find_spec("ros_gz_interfaces") is not None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not INSTALLED, reason="Gazebo, ros_gz_bridge or ros_gz_interfaces is not installed"
    ),
]
PERIOD_NS = 50_000_000
CAMERA = Camera(width=160, height=120)
PHYSICS_STEP_S = 0.002

Start = Callable[..., "list[subprocess.Popen[bytes]]"]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, domain_id: int) -> Iterator[Start]:
    """Start Gazebo, paused, and its bridge."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(
        namespace: str = "/", perturbation: str = NOMINAL, camera: Camera = CAMERA, **choices
    ) -> "list[subprocess.Popen[bytes]]":
        settings = WorldSettings(
            camera=camera, real_time_factor=0.0, render_engine=ENGINE, gui=False, **choices
        )
        settings = perturbed(settings, perturbation)
        folder = tmp_path_factory.mktemp("worlds")
        world = write_world(load_circuit("simple"), settings, folder)
        partition = f"f1_rl-test-{os.getpid()}-{len(started)}"
        instance = GazeboInstance(world, namespace, partition, headless=ENGINE == "ogre2")
        processes = [
            subprocess.Popen(
                program.command_line(), env={**os.environ, **discovery(), **program.environment}
            )
            for program in instance.processes()
        ]
        started.extend(processes)
        return processes

    yield begin
    for process in started:
        process.send_signal(signal.SIGINT)
    for process in started:
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def discovery() -> dict[str, str]:
    from f1_rl.ros.discovery import discovery_environment

    return discovery_environment(os.environ)


@pytest.fixture(scope="module")
def join(domain_id: int) -> Iterator[Callable]:
    """Join the graph as whoever steps one or more cars."""
    from f1_rl.ros.car import RosCar
    from f1_rl.ros.cars import RosCars
    from f1_rl.ros.graph import Graph
    from f1_rl.ros.settings import RosCarSettings

    graphs: list[Graph] = []

    def make(*namespaces: str, traffic: Traffic = EMPTY_ROAD, camera: Camera = CAMERA, **changes):
        settings = RosCarSettings(clockwork="gazebo", **{"step_timeout_s": 3.0, **changes})
        cars = []
        for namespace in namespaces or ("/",):
            graphs.append(Graph(f"test_{len(graphs)}", namespace=namespace))
            cars.append(RosCar(graphs[-1], camera, 50, settings))
        return RosCars(cars, load_circuit("simple"), traffic)

    yield make
    for graph in graphs:
        graph.close()


@pytest.fixture(scope="module")
def car(start: Start, join):
    start()
    return join()


def place(cars, arc_length_m: float = 0.0) -> Poses:
    count = cars.num_cars
    poses = cars.circuits[0].pose_at(np.full(count, arc_length_m))
    cars.place(np.arange(count), np.zeros(count, np.int64), poses)
    return poses


def drive(cars, steps: int) -> None:
    for _ in range(steps):
        cars.step(np.tile([1.0, 0.0], (cars.num_cars, 1)))


def control(cars, **fields) -> None:
    """Ask Gazebo for something behind the environment's back."""
    from ros_gz_interfaces.srv import ControlWorld

    graph = cars.cars[0]._graph
    client = graph.node.create_client(ControlWorld, "world/f1/control")
    request = ControlWorld.Request()
    for name, value in fields.items():
        setattr(request.world_control, name, value)
    graph.call(client, request, time.monotonic() + 10.0)


def test_every_frame_is_of_its_step_and_a_command_acts_one_physics_step_late(car):
    place(car)
    driven_m, expected_m, last_mps = 0.0, 0.0, 0.0
    for i in range(100):
        speed_mps = 3.0 + np.sin(i)
        before, stamp_ns = car.poses, car.cars[0].report.stamp_ns
        car.step(np.array([[speed_mps, 0.0]]))
        assert car.cars[0].report.stamp_ns == stamp_ns + PERIOD_NS
        moved = car.poses
        driven_m += float(np.hypot(moved.x_m - before.x_m, moved.y_m - before.y_m)[0])
        expected_m += last_mps * PHYSICS_STEP_S + speed_mps * (0.05 - PHYSICS_STEP_S)
        assert driven_m == pytest.approx(expected_m, abs=1e-3)
        last_mps = speed_mps


def test_a_teleported_car_is_seen_where_it_was_put(car):
    place(car)
    for arc_length_m in (10.0, 60.0, 60.0):
        for _ in range(3):
            car.step(np.array([[5.0, 0.5]]))
        pose = place(car, arc_length_m)
        np.testing.assert_allclose([car.poses.x_m, car.poses.y_m], [pose.x_m, pose.y_m], atol=1e-6)
        assert car.time_s[0] == 0.0


def test_two_drives_with_the_same_commands_end_within_a_millimetre(car):
    divergence = measure_divergence(car, 60, 1, 5.0)
    assert divergence.position_m < 1e-3
    assert divergence.duration_s == 0.0


def test_steps_that_nobody_waited_for_run_out_before_the_next_episode(car):
    place(car)
    for _ in range(4):
        control(car, pause=True, multi_step=25)
    with pytest.raises(CarFault, match="somebody else steps"):
        drive(car, 5)
    place(car)
    drive(car, 20)


def test_a_world_that_somebody_lets_run_is_noticed_and_taken_back(car):
    place(car)
    control(car, pause=False)
    time.sleep(0.05)
    with pytest.raises(CarFault, match="somebody else steps"):
        drive(car, 20)
    # It may have been paused between two frames; a placed car is seen as it stands all the same.
    place(car)
    drive(car, 10)
    assert car.cars[0]._inbox.newest_odometry.stamp_ns == car.cars[0].report.stamp_ns


def test_a_car_under_the_ground_ends_the_episode(car):
    from ros_gz_interfaces.srv import SetEntityPose

    place(car)
    graph = car.cars[0]._graph
    client = graph.node.create_client(SetEntityPose, "world/f1/set_pose/blocking")
    request = SetEntityPose.Request()
    request.entity.name, request.entity.type = "f1", request.entity.MODEL
    request.pose.position.z = -3.0
    graph.call(client, request, time.monotonic() + 10.0)
    with pytest.raises(CarFault, match=r"is not on its wheels on the ground: -3\.00 m high"):
        car.step(np.array([[1.0, 0.0]]))
    place(car)


def test_a_car_on_wheels_brakes_before_it_is_put_elsewhere(start, join):
    start("/wheels", car="ackermann")
    cars = join("/wheels", braking_periods=100, settle_periods=4)
    place(cars)
    for arc_length_m in (20.0, 70.0):
        for _ in range(30):
            cars.step(np.array([[4.0, 0.0]]))
        assert cars.speed_mps[0] > 3.0
        place(cars, arc_length_m)
        assert abs(cars.speed_mps[0]) < 0.5


def test_slower_cars_are_where_the_embedded_camera_draws_them_and_are_touched(start, join):
    from f1_rl.ros.clockwork import Pose

    traffic = Traffic(boxes=1, cars=2, seed=3)
    start("/traffic", traffic=traffic, traffic_seed=3)
    cars = join("/traffic", traffic=traffic)
    place(cars)
    circuit, slower = cars.circuits[0], 1
    for _ in range(3):
        drive(cars, 40)
        there = circuit.project(Poses(*cars.obstacles.poses_m[:, slower].T))
        # Placing takes two control periods; with more it would be let by.
        behind = circuit.pose_at(there.arc_length_m - 1.8, there.lateral_error_m)
        (x_m,), (y_m,), (yaw_rad,) = behind.x_m, behind.y_m, behind.yaw_rad
        cars.cars[0].place(Pose(x_m, y_m, yaw_rad))
        cars.step(np.zeros((1, 2)))
        scenery = Scenery.of_traffic(traffic, cars.obstacles.poses_m)
        (drawn,) = Renderer([circuit], CAMERA).frames(
            np.zeros(1), cars.poses, Appearance.nominal(1), scenery
        )
        ours, theirs = (hull(picture, traffic) for picture in (drawn, cars.frame(0)))
        assert theirs.sum() > 100
        assert (ours & theirs).sum() > 0.85 * (ours | theirs).sum()
    clearances_m = []
    for _ in range(30):
        cars.step(np.array([[6.0, 0.0]]))
        clearances_m.append(cars.clearance_m[0])
    assert clearances_m[0] > 0.3
    assert min(clearances_m) == 0.0


def test_a_tree_that_passes_close_by_the_camera_does_not_stop_the_drawing(start, join):
    camera = Camera()
    start("/trees", perturbation="camera_down", camera=camera)
    cars = join("/trees", camera=camera, step_timeout_s=10.0)
    place(cars)
    for _ in range(12):
        cars.step(np.array([[7.0, 0.0]]))


def hull(picture: np.ndarray, traffic: Traffic) -> np.ndarray:
    """Pixels of a slower car's body, whichever face."""
    faces = np.outer((1.0, 0.8, 1.15), traffic.car_colour)
    return (np.abs(picture[..., None, :] - np.minimum(faces, 255)).max(axis=-1) <= 3).any(axis=-1)


def test_two_instances_are_stepped_together_and_know_nothing_of_each_other(start, join):
    start("/left")
    start("/right")
    cars = join("/left", "/right")
    begun = place(cars)
    for _ in range(40):
        cars.step(np.array([[1.0, 0.0], [2.0, 0.0]]))
    moved_m = np.hypot(cars.poses.x_m - begun.x_m, cars.poses.y_m - begun.y_m)
    np.testing.assert_allclose(moved_m, [2.0, 4.0], rtol=0.01)


def test_a_gazebo_that_is_killed_and_comes_back_costs_an_episode(start, join):
    first = start("/phoenix")
    cars = join("/phoenix", step_timeout_s=1.0)
    place(cars)
    cars.step(np.array([[1.0, 0.0]]))
    for process in first:
        process.kill()
    with pytest.raises(CarFault):
        cars.step(np.array([[1.0, 0.0]]))
    start("/phoenix")
    place(cars)
    for _ in range(10):
        cars.step(np.array([[1.0, 0.0]]))
    # Time began anew.
    assert cars.cars[0].report.stamp_ns < 60_000_000_000


def launch_words(run: Path, *more: str) -> list[str]:
    headless = "true" if ENGINE == "ogre2" else "false"
    words = ["simulator:=gazebo", f"render_engine:={ENGINE}", f"headless:={headless}"]
    words += [f"run_dir:={run}", *more]
    return [sys.executable, "-m", "f1_rl.cli.main", "launch", "train", *words]


def test_training_is_launched_and_ended_with_one_command(
    tmp_path: Path, repository: Path, domain_id: int
):
    run = tmp_path / "run"
    told = subprocess.run(
        launch_words(run, "steps:=150", "namespace:=launched", "instances:=2"),
        cwd=repository,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert told.returncode == 0, told.stdout
    assert (run / "policy" / "policy.yaml").is_file()
    assert (run / "report.html").is_file()
    last = (run / "metrics.csv").read_text().splitlines()[-1].split(",")
    assert 150 <= int(last[0]) <= 151
    assert last[5] == "0", "faults"


def test_a_gazebo_that_dies_ends_the_launch_with_the_run_saved(
    tmp_path: Path, repository: Path, domain_id: int
):
    run, cache = tmp_path / "run", tmp_path / "cache"
    launched = subprocess.Popen(
        launch_words(run, "namespace:=mortal"),
        cwd=repository,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        metrics, deadline_s = run / "metrics.csv", time.monotonic() + 120.0
        while not metrics.is_file() or len(metrics.read_text().splitlines()) < 4:
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
        (server,) = processes_with(f"{cache}/f1_rl")
        os.kill(server, signal.SIGKILL)
        output = launched.communicate(timeout=60.0)[0]
    finally:
        launched.kill()
    assert launched.returncode == 128 + signal.SIGKILL
    assert "gazebo-2 was killed by SIGKILL; the rest is ended." in output
    assert "stopped and saved" in output
    assert list((run / "checkpoints").iterdir())
    assert (run / "policy-last" / "policy.yaml").is_file()


def processes_with(path: str) -> list[int]:
    """The processes whose command line has that path: Gazebo's server."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and path.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
