"""Everything that can be wrong with a frame, odometry or answer, by a simulator that does it."""

import threading
import time

import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from f1_rl.circuits import load_circuit
from f1_rl.driving.cars import CarFault, CarMisfit
from f1_rl.ros.car import RosCar
from f1_rl.ros.cars import RosCars
from f1_rl.ros.clockwork import Pose
from f1_rl.ros.graph import Graph
from f1_rl.ros.settings import RosCarSettings
from f1_rl.simulation import Camera

CAMERA = Camera(width=64, height=48)
CALM = 3
"""Steps after a reset without a fault."""


class Setup:
    def __init__(self, circuit):
        self.graph = Graph("test")
        settings = RosCarSettings(step_timeout_s=1.0, recovery_timeout_s=20.0)
        self.car = RosCars([RosCar(self.graph, CAMERA, 50, settings)], circuit)
        self.pose = circuit.pose_at(np.zeros(1))
        self._set = self.graph.node.create_client(SetParameters, "simulator/set_parameters")

    def fault(self, name, after=CALM):
        wanted = [Parameter("fault", value=name), Parameter("after", value=after)]
        request = SetParameters.Request(parameters=[item.to_parameter_msg() for item in wanted])
        answer = self.graph.call(self._set, request, time.monotonic() + 10.0)
        assert all(result.successful for result in answer.results)

    def place(self):
        self.car.place(np.array([0]), np.array([0]), self.pose)

    def step(self, speed_mps=2.0):
        self.car.step(np.array([[speed_mps, 0.1]]))


@pytest.fixture(scope="module")
def setup(start):
    start("faulty_simulator.py")
    made = Setup(load_circuit("simple"))
    yield made
    made.graph.close()


FAULTS = {
    "camera_stops": "no frame with odometry stamped",
    "freezes": "no frame with odometry stamped",
    "odometry_stops": "no frame with odometry stamped",
    "odometry_nan": "is no rotation|not finite",
    "jumps_ahead": "somebody else steps",
    "jumps_back": "time jumped back",
    "step_twice": "somebody else steps",
    "size": "frames on /cam_f1_left/image_raw are 64 x 24, the task's camera 64 x 48",
    "encoding": "'32FC1' cannot be decoded",
    "truncated": "9216 bytes of data, but 9116 came",
    "black": "are black; look at the camera",
    "refused": "the world is on fire",
    "ignored": "no frame with odometry stamped",
    "other_command": r"was told 2.000 m/s, 0.100 rad/s and drove with 0.500",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_the_step_and_the_next_reset_recovers(setup, fault):
    setup.fault("")
    setup.place()
    if fault == "jumps_back":
        # Time must be far enough from its beginning to jump back there.
        for _ in range(15):
            setup.step()
        setup.place()
    setup.fault(fault)
    # The settling step of the reset counts.
    for _ in range(CALM - 1):
        setup.step()
    picture, pose = setup.car.frame(0).copy(), setup.car.poses
    with pytest.raises(CarFault, match=FAULTS[fault]):
        setup.step()
    np.testing.assert_array_equal(setup.car.frame(0), picture)
    assert setup.car.poses.x_m == pose.x_m
    with pytest.raises(CarFault, match="place it before"):
        setup.step()
    setup.fault("")
    setup.place()
    stamp_ns = setup.car.cars[0].report.stamp_ns
    setup.step()
    assert setup.car.cars[0].report.stamp_ns == stamp_ns + 50_000_000


def test_frames_that_come_twice_are_discarded_and_counted(setup):
    setup.fault("")
    setup.place()
    setup.fault("twice", after=1)
    stamp_ns = setup.car.cars[0].report.stamp_ns
    discarded = 0
    for i in range(1, 21):
        setup.step()
        discarded += setup.car.cars[0].report.discarded_frames
        assert setup.car.cars[0].report.stamp_ns == stamp_ns + i * 50_000_000
    # On a busy machine some are replaced in the queue before they are taken.
    assert discarded >= 10


def test_frames_out_of_order_are_never_what_the_car_sees(setup):
    setup.fault("")
    setup.place()
    setup.fault("out_of_order", after=1)
    car = setup.car.cars[0]
    stamp_ns = car.report.stamp_ns
    sky = setup.car.frame(0)[0, 0].copy()
    discarded = 0

    def late_ones():
        return discarded + (car._inbox.earliest_old_ns is not None)

    for i in range(1, 21):
        setup.step()
        discarded += car.report.discarded_frames
        assert car.report.stamp_ns == stamp_ns + i * 50_000_000
        # Those out of order are negatives.
        np.testing.assert_array_equal(setup.car.frame(0)[0, 0], sky)
        # Left in the queue it might be replaced by the next ones, and be never counted.
        assert car._inbox.wait(lambda i=i: late_ones() >= i, time.monotonic() + 5.0)
    assert late_ones() == 20


@pytest.mark.parametrize(("fault", "answered"), [("unanswered", False), ("answered_twice", True)])
def test_a_step_whose_frame_came_is_done_however_often_it_is_answered(setup, fault, answered):
    setup.fault("")
    setup.place()
    setup.fault(fault, after=1)
    stamp_ns = setup.car.cars[0].report.stamp_ns
    for i in range(1, 9):
        setup.step()
        assert setup.car.cars[0].report.stamp_ns == stamp_ns + i * 50_000_000
        assert setup.car.cars[0].report.answered == answered
    setup.fault("")
    setup.place()
    setup.step()
    assert setup.car.cars[0].report.answered


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("size", "are 64 x 24, the task's camera 64 x 48"), ("encoding", "'32FC1' cannot be decoded")],
)
def test_a_car_with_another_camera_is_given_up_after_a_few_tries(setup, fault, sentence):
    """Not after `recovery_timeout_s`: no restart changes that."""
    setup.fault(fault, after=0)
    began_s = time.monotonic()
    with pytest.raises(CarMisfit, match=sentence):
        setup.place()
    assert time.monotonic() - began_s < 10.0
    setup.fault("")
    setup.place()


def test_whoever_wants_to_end_waits_for_no_answer_and_no_frame(domain_id):
    graph = Graph("ending")
    settings = RosCarSettings(simulator="nobody", step_timeout_s=60.0, recovery_timeout_s=60.0)
    car = RosCar(graph, CAMERA, 50, settings)
    threading.Timer(0.5, car.interrupt).start()
    began_s = time.monotonic()
    try:
        with pytest.raises(CarFault, match="asked to end"):
            car.place(Pose(0.0, 0.0, 0.0))
        assert time.monotonic() - began_s < 10.0
        with pytest.raises(CarFault, match="asked to end"):
            car.place(Pose(0.0, 0.0, 0.0))
    finally:
        graph.close()


def test_a_late_step_is_waited_for_until_the_deadline(setup):
    setup.fault("")
    setup.place()
    setup.fault("late", after=1)
    stamp_ns = setup.car.cars[0].report.stamp_ns
    setup.step()
    assert setup.car.cars[0].report.stamp_ns == stamp_ns + 50_000_000
    assert setup.car.cars[0].report.wall_s > 0.5


def test_a_step_that_is_done_after_the_deadline_does_not_disturb_the_next_episode(setup):
    setup.fault("")
    setup.place()
    impatient = RosCarSettings(step_timeout_s=0.4)
    patient, setup.car.cars[0]._settings = setup.car.cars[0]._settings, impatient
    setup.fault("late", after=1)
    try:
        with pytest.raises(CarFault, match="no frame with odometry"):
            setup.step()
    finally:
        setup.car.cars[0]._settings = patient
    setup.fault("")
    setup.place()
    stamp_ns = setup.car.cars[0].report.stamp_ns
    for i in range(1, 6):
        setup.step()
        assert setup.car.cars[0].report.stamp_ns == stamp_ns + i * 50_000_000
