"""The driver as a process, while its camera, its joystick and its users do all they can."""

import array
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from driver_bench import POLICY, Bench
from geometry_msgs.msg import Twist
from processes import NodeProcess, until
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image, Joy
from std_srvs.srv import Trigger

from f1_rl.ros.messages import camera_info_message
from f1_rl.simulation import Camera

Start = Callable[..., NodeProcess]


@pytest.fixture(scope="module")
def driver(start: Start) -> NodeProcess:
    return start(ready="active")


@pytest.fixture
def driving(driver: NodeProcess, bench: Bench) -> Iterator[Bench]:
    """A bench before a car that is being driven."""
    bench.reset()
    until(lambda: bench.drives, 20.0, driver.output)
    yield bench
    bench.reset()
    until(lambda: bench.drives, 10.0, driver.output)


def stops_within(bench: Bench, seconds: float) -> None:
    began_s = time.monotonic()
    until(lambda: bench.stands, 5.0, bench.message)
    assert time.monotonic() - began_s < seconds


def test_the_car_stops_when_the_camera_does_and_drives_on_when_it_returns(driving: Bench) -> None:
    driving.running.clear()
    stops_within(driving, 0.5)
    time.sleep(0.5)
    assert driving.stands
    driving.running.set()
    until(lambda: driving.drives, 2.0, driving.message)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("black", lambda picture: np.zeros_like(picture), "blank"),
        ("frozen", None, "frozen"),
        ("small", lambda picture: picture[::2, ::2], "320 x 240"),
    ],
)
def test_the_car_stops_before_pictures_that_show_nothing_or_another_size(
    driving: Bench, name: str, change: Any, message: str
) -> None:
    if name == "frozen":
        turning = driving.commands[-1]
        until(lambda: abs(driving.commands[-1][2]) > 0.5, 20.0, f"never turned: {turning}")
        kept: list[np.ndarray] = []

        def change(picture: np.ndarray) -> np.ndarray:
            kept.append(picture)
            return kept[0]

    driving.change = change
    stops_within(driving, 6.0 if name == "frozen" else 0.5)
    until(lambda: message in driving.message(), 3.0, driving.message)
    assert driving.stands


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda image: setattr(image, "encoding", "yuv422"), "yuv422"),
        (lambda image: setattr(image, "data", array.array("B", bytes(1000))), "1000"),
    ],
    ids=["encoding", "truncated"],
)
def test_the_car_stops_at_messages_that_cannot_be_decoded(
    driving: Bench, spoil: Callable[[Image], None], message: str
) -> None:
    make = driving.make_message

    def spoiled(picture: np.ndarray, stamp: int) -> Image:
        image = make(picture, stamp)
        spoil(image)
        return image

    driving.make_message = spoiled
    stops_within(driving, 0.5)
    until(lambda: message in driving.message(), 3.0, driving.message)


def test_frames_with_the_same_stamp_count_as_none(driving: Bench) -> None:
    fixed = time.time_ns() + 300_000_000
    driving.stamp = lambda now_ns: fixed
    stops_within(driving, 0.7)
    until(lambda: int(driving.status().get("frames_duplicate", 0)) > 3, 3.0, driving.message)


def test_frames_out_of_order_are_dropped_and_counted(driving: Bench) -> None:
    count = iter(range(10**6))
    driving.stamp = lambda now_ns: now_ns - (120_000_000 if next(count) % 4 == 3 else 0)
    until(lambda: int(driving.status().get("frames_backwards", 0)) > 5, 5.0, driving.message)
    assert driving.drives


def test_a_camera_clock_set_back_stops_the_car_for_a_moment_only(driving: Bench) -> None:
    driving.stamp = lambda now_ns: now_ns - 10**12
    until(lambda: driving.drives, 3.0, driving.message)
    time.sleep(0.5)
    assert driving.drives


def test_an_emergency_stop_stays_until_it_is_released(driving: Bench) -> None:
    assert driving.call(Trigger, "driver/emergency_stop").success
    stops_within(driving, 0.2)
    assert driving.transition("deactivate")
    assert driving.transition("cleanup")
    assert driving.transition("configure")
    assert driving.transition("activate")
    time.sleep(1.0)
    assert driving.stands
    until(lambda: "emergency stop" in driving.message(), 3.0, driving.message)
    assert driving.call(Trigger, "driver/release_emergency_stop").success
    until(lambda: driving.drives, 3.0, driving.message)
    assert not driving.call(Trigger, "driver/release_emergency_stop").success


def test_a_deactivated_driver_stops_the_car_and_falls_silent(driving: Bench) -> None:
    assert driving.transition("deactivate")
    time.sleep(0.3)
    heard = len(driving.commands)
    assert driving.commands[-1][1:] == (0.0, 0.0)
    time.sleep(0.7)
    assert len(driving.commands) == heard
    assert driving.transition("activate")
    until(lambda: driving.drives, 3.0, driving.message)


def test_a_camera_with_another_lens_is_refused_until_it_is_the_right_one(driving: Bench) -> None:
    driving.infos.publish(camera_info_message(Camera(horizontal_fov_rad=1.0), 0, "camera"))
    stops_within(driving, 0.5)
    until(lambda: "field of view" in driving.message(), 3.0, driving.message)
    driving.infos.publish(camera_info_message(Camera(), 0, "camera"))
    until(lambda: driving.drives, 3.0, driving.message)


def test_commands_keep_to_limits_that_are_changed_while_driving(driving: Bench) -> None:
    def set_speed(limit: float) -> Any:
        value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=limit)
        parameter = Parameter(name="max_speed_mps", value=value)
        return driving.call(SetParameters, "driver/set_parameters", parameters=[parameter])

    assert set_speed(2.0).results[0].successful
    time.sleep(0.5)
    driving.commands.clear()
    time.sleep(1.0)
    assert max(speed for _, speed, _ in driving.commands) == pytest.approx(2.0)
    refused = set_speed(-1.0).results[0]
    assert not refused.successful
    assert set_speed(8.0).results[0].successful


def test_a_second_publisher_of_commands_is_named(driving: Bench, driver: NodeProcess) -> None:
    publisher = driving.node.create_publisher(Twist, "cmd_vel", 1)
    until(lambda: "/bench commands the car too" in driving.message(), 5.0, driving.message)
    driving.node.destroy_publisher(publisher)
    until(lambda: "driving" in driving.message(), 5.0, driving.message)
    assert "/bench commands the car too" in driver.output()


def test_latencies_rates_and_counts_are_in_the_diagnostics(driving: Bench) -> None:
    until(lambda: float(driving.status()["command_rate_hz"]) > 15.0, 5.0, driving.status)
    status = driving.status()
    assert 0.0 < float(status["latency_p50_ms"]) <= float(status["latency_p99_ms"])
    assert status["state"] == "active"
    assert status["held_by"] == "nobody"


def test_the_debug_picture_is_published_while_somebody_looks(driving: Bench) -> None:
    seen: list[Image] = []
    ear = driving.node.create_subscription(Image, "driver/debug_image", seen.append, 1)
    until(lambda: len(seen) >= 3, 5.0, "no debug picture came")
    driving.node.destroy_subscription(ear)
    assert (seen[0].width, seen[0].height, seen[0].encoding) == (640, 480, "rgb8")
    assert driving.drives


def test_a_car_with_a_deadman_is_driven_while_the_button_is_pressed(
    start: Start, driver: NodeProcess, bench: Bench
) -> None:
    assert bench.transition("deactivate")
    bench.reset()
    process = start(
        "driver", "-r", "__node:=held", "-r", "cmd_vel:=proposed_cmd", ready="active", deadman=True
    )
    until(lambda: len(bench.proposed) > 10, 5.0, process.output)
    assert not any(speed for _, speed, _ in bench.proposed)

    def press(pressed: int) -> bool:
        bench.joy.publish(Joy(buttons=[0, 0, 0, 0, pressed]))
        time.sleep(0.05)
        return bench.proposed[-1][1] > 0.0

    until(lambda: press(1), 5.0, process.output)
    until(lambda: not press(0), 0.5, process.output)
    until(lambda: press(1), 5.0, process.output)
    # The joystick is lost.
    until(lambda: bench.proposed[-1][1] == 0.0, 1.0, process.output)
    assert process.end() == 0
    assert bench.transition("activate")


def test_in_shadow_mode_nothing_is_said_on_cmd_vel(
    start: Start, driver: NodeProcess, bench: Bench
) -> None:
    assert bench.transition("deactivate")
    bench.reset()
    process = start("driver", "-r", "__node:=shadow", ready="active", shadow=True)
    until(lambda: len(bench.proposed) > 10 and bench.proposed[-1][1] > 0.0, 5.0, process.output)
    names = [
        info.node_name
        for info in bench.node.get_publishers_info_by_topic("/cmd_vel")
        if info.node_name == "shadow"
    ]
    assert names == []
    assert process.end() == 0
    assert bench.proposed[-1][1] == 0.0
    assert bench.commands == []
    assert bench.transition("activate")


def test_a_policy_that_is_missing_or_changed_is_refused_with_a_sentence(
    start: Start, driver: NodeProcess, bench: Bench, tmp_path: Any
) -> None:
    for name in ("policy.tflite", "policy.yaml"):
        (tmp_path / name).write_bytes((POLICY / name).read_bytes())
    manifest = tmp_path / "policy.yaml"
    manifest.write_text(manifest.read_text().replace("columns: 64", "columns: 32"))
    for policy, sentence in [
        ("/nowhere", "is no policy folder"),
        (str(tmp_path), "were changed after training"),
        (str(POLICY), ""),
    ]:
        # Not every state allows both: then the answer is no, and the node lives on.
        bench.transition("deactivate")
        bench.transition("cleanup")
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=policy)
        parameter = Parameter(name="policy", value=value)
        answer = bench.call(SetParameters, "driver/set_parameters", parameters=[parameter])
        assert answer.results[0].successful
        assert bench.transition("configure") == (not sentence)
        assert sentence in driver.output()
    assert bench.transition("activate")


@pytest.mark.parametrize(
    ("parameters", "exit_code", "sentence"),
    [
        ({"policy": "/nowhere"}, 1, "is no policy folder"),
        ({"watchdog_timeout_s": 60.0}, 2, "at most 5.0"),
        ({"command_type": "ackermann"}, 2, "twist or twist_stamped"),
        ({"watchdog_timeout": 0.3}, 2, "there is no parameter 'watchdog_timeout'"),
    ],
)
def test_what_cannot_be_used_ends_the_process_with_a_sentence(
    start: Start, parameters: dict[str, Any], exit_code: int, sentence: str
) -> None:
    process = start("driver", **parameters)
    assert process.wait() == exit_code
    assert sentence in process.output()
