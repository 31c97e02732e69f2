"""However the driver's process ends, the car stands; and it drives whole laps before that."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driver_bench import Bench
from nav_msgs.msg import Odometry
from processes import NodeProcess, until

from f1_rl.circuits import LapCounter, Poses, load_circuit
from f1_rl.ros.messages import camera_info_message, read_odometry
from f1_rl.ros.qos import lossless
from f1_rl.simulation import Camera

Start = Callable[..., NodeProcess]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("state", ["unconfigured", "inactive", "active"])
def test_a_signal_ends_the_process_with_the_car_stopped(
    start: Start, bench: Bench, state: str, how: signal.Signals
) -> None:
    bench.reset()
    process = start(autostart=False)
    for transition in {"unconfigured": (), "inactive": ("configure",)}.get(
        state, ("configure", "activate")
    ):
        assert bench.transition(transition), process.output()
    if state == "active":
        until(lambda: bench.drives, 10.0, process.output)
    else:
        # One that is not configured may have to be imported first.
        until(lambda: any(state == item.message for item in bench.statuses), 60.0, process.output)
    began_s = time.monotonic()
    assert process.end(how) == 0, process.output()
    assert time.monotonic() - began_s < 3.0
    time.sleep(0.2)
    # A driver that never was configured has said nothing that would have to be taken back.
    expected = [(0.0, 0.0)] if state != "unconfigured" else []
    assert [command[1:] for command in bench.commands[-1:]] == expected
    bench.statuses.clear()


def test_another_ctrl_c_does_not_cut_the_stopping_short(start: Start, bench: Bench) -> None:
    bench.reset()
    process = start(ready="active")
    until(lambda: bench.drives, 10.0, process.output)
    for _ in range(5):
        process.send(signal.SIGINT)
        time.sleep(0.05)
    assert process.wait() == 0, process.output()
    assert bench.commands[-1][1:] == (0.0, 0.0)


def test_sigint_ends_a_driver_that_a_script_started_in_the_background(
    start: Start, bench: Bench
) -> None:
    bench.reset()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start(ready="active")
    finally:
        signal.signal(signal.SIGINT, before)
    until(lambda: bench.drives, 10.0, process.output)
    assert process.end(signal.SIGINT) == 0
    time.sleep(0.2)
    assert bench.commands[-1][1:] == (0.0, 0.0)


def test_an_impossible_transition_is_refused_and_the_car_drives_on(
    start: Start, bench: Bench
) -> None:
    bench.reset()
    process = start(ready="active")
    until(lambda: bench.drives, 10.0, process.output)
    assert not bench.transition("configure")
    time.sleep(0.3)
    assert bench.drives
    assert process.end() == 0


@pytest.mark.parametrize("callback", ["_on_camera_info", "_on_decision", "_look_around"])
def test_an_error_in_a_callback_ends_the_process_with_the_car_stopped(
    start: Start, bench: Bench, tmp_path: Path, callback: str
) -> None:
    bench.reset()
    now = tmp_path / "now"
    broken = f"""
import pathlib, sys
from f1_rl.nodes.driver import DriverNode, main
def fail(*_):
    if pathlib.Path({str(now)!r}).exists():
        raise RuntimeError("on purpose")
DriverNode.{callback} = fail
sys.exit(main())
"""
    process = start(broken, ready="active")
    until(lambda: bench.drives, 10.0, process.output)
    now.touch()
    bench.infos.publish(camera_info_message(Camera(), 0, "camera"))
    assert process.wait() == 1
    assert "on purpose" in process.output()
    time.sleep(0.2)
    assert bench.commands[-1][1:] == (0.0, 0.0)


def test_a_shutdown_transition_stops_the_car(start: Start, bench: Bench) -> None:
    bench.reset()
    process = start(ready="active")
    until(lambda: bench.drives, 10.0, process.output)
    assert bench.transition("active_shutdown")
    time.sleep(0.1)
    assert bench.commands[-1][1:] == (0.0, 0.0)
    assert process.end(signal.SIGTERM) == 0


def test_stamped_commands_and_compressed_pictures_drive_a_lap_of_the_simulator(
    start: Start, bench: Bench
) -> None:
    counter, circuit = LapCounter(1), load_circuit("simple")
    worst_m = [0.0]
    placed = [False]

    def hear(message: Any) -> None:
        sample = read_odometry(message)
        where = circuit.project(
            Poses(*(np.array([value]) for value in (sample.x_m, sample.y_m, sample.yaw_rad)))
        )
        time_s = np.array([sample.stamp_ns / 1e9])
        if not placed[0]:
            counter.reset(np.array([0]), where.arc_length_m, np.array([circuit.length_m]))
            placed[0] = True
        counter.update(where.arc_length_m, time_s)
        worst_m[0] = max(worst_m[0], abs(float(where.lateral_error_m[0])))

    bench.running.clear()
    bench.node.create_subscription(Odometry, "odom", hear, lossless(10))
    simulator = start("simulator", ready="ready", stamped_commands=True, compressed=True)
    driver = start(ready="active", command_type="twist_stamped", image_transport="compressed")
    until(lambda: counter.laps[0] >= 1, 60.0, lambda: f"{counter.progress_m} {driver.output()}")
    assert worst_m[0] < 1.5
    assert driver.end() == 0
    assert simulator.end() == 0
