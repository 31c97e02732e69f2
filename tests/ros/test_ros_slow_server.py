"""Placing a car in a world that draws slowly, as Gazebo without a GPU does, or tells late."""

import pytest
from slow_gazebo import FRAME_NS, STEP_NS, SlowGazebo

from f1_rl.driving.cars import CarFault
from f1_rl.ros import car as car_module
from f1_rl.ros.car import RosCar
from f1_rl.ros.clockwork import Pose
from f1_rl.ros.graph import Graph
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import Camera

POSE = Pose(3.0, -2.0, 0.5)


@pytest.fixture
def join(domain_id, monkeypatch):
    """Make a world, and a car in it that is given up when placing it has failed once."""
    graphs, worlds = [], []

    def make(first_frame_s=0.0, frame_s=0.0, odometry_s=0.0, odometry_ns=10_000_000):
        graphs.extend(Graph(name) for name in ("slow_gazebo", "test"))
        worlds.append(
            SlowGazebo(
                graphs[-2],
                first_frame_s=first_frame_s,
                frame_s=frame_s,
                odometry_s=odometry_s,
                odometry_ns=odometry_ns,
            )
        )
        monkeypatch.setattr(car_module, "make_clockwork", lambda *_: worlds[-1])
        settings = RosCarSettings(step_timeout_s=2.0, recovery_timeout_s=1e-3)
        return worlds[-1], RosCar(graphs[-1], Camera(width=64, height=48), 50, settings)

    yield make
    for world in worlds:
        world.end()
    for graph in graphs:
        graph.close()


def check_steps(world, car):
    """The car is in step with the world: each frame is of the moment when time stands still."""
    assert (car.odometry.x_m, car.odometry.y_m) == (POSE.x_m, POSE.y_m)
    for _ in range(2):
        stamp_ns = car.report.stamp_ns
        assert world.time_ns == stamp_ns
        car.begin_step(0.0, 0.0)
        car.finish_step()
        assert car.report.stamp_ns == stamp_ns + FRAME_NS


def test_a_first_frame_that_takes_long_is_waited_for(join):
    world, car = join(first_frame_s=1.3, frame_s=0.4)
    car.place(POSE)
    check_steps(world, car)


def test_frames_of_steps_left_over_are_all_drawn_before_the_car_is_placed(join):
    world, car = join(frame_s=0.4)
    world.step(100)
    car.place(POSE)
    check_steps(world, car)
    assert world.time_ns <= 10 * FRAME_NS, "no more steps than placing and driving take"


def test_a_world_that_stands_between_two_frames_is_stepped_to_the_next(join):
    world, car = join()
    world.step(12)
    car.place(POSE)
    check_steps(world, car)


@pytest.mark.parametrize("odometry_ns", [2_000_000, 10_000_000, 50_000_000])
def test_odometry_that_comes_late_is_waited_for(join, odometry_ns):
    world, car = join(odometry_s=0.12, odometry_ns=odometry_ns)
    world.step(12)
    car.place(POSE)
    check_steps(world, car)


# Every third frame has odometry of its time: at 0.15 s, at 0.3 s.
@pytest.mark.parametrize("frames_before", [0, 1, 2])
def test_odometry_that_has_no_stamp_of_a_frame_is_told_so(join, frames_before):
    world, car = join(odometry_ns=30_000_000)
    world.step(frames_before * FRAME_NS // STEP_NS)
    with pytest.raises(CarFault, match="set its period to a divisor of the frames'"):
        car.place(POSE)
