"""When messages of a bag are due, and where they may go."""

import struct
import threading
import time

import pytest

pytest.importorskip("rosbags", reason="no rosbags: install it to read bags")

from f1_rl.bags import RawRecord
from f1_rl.nodes.playback import Playback, restamped
from f1_rl.nodes.player_topics import is_harmless, is_measurement


def records(count: int = 5, apart_s: float = 0.02) -> list[RawRecord]:
    return [RawRecord("/a", "x/msg/X", round(1e9 * (7 + i * apart_s)), b"") for i in range(count)]


def playback(played: list[tuple[float, int]], **options: object) -> Playback:
    def publish(record: RawRecord) -> None:
        played.append((time.monotonic(), record.received_ns))

    chosen = {"rate": 1.0, "loop": False, "paused": False, **options}
    return Playback(records, publish, is_frame=lambda record: True, **chosen)


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_messages_keep_their_distance_at_every_rate(rate: float) -> None:
    played: list[tuple[float, int]] = []
    assert playback(played, rate=rate).run()
    assert [received for _, received in played] == [each.received_ns for each in records()]
    for i, (at_s, _) in enumerate(played):
        assert at_s - played[0][0] >= i * 0.02 / rate - 1e-3
    assert played[-1][0] - played[0][0] < 4 * 0.02 / rate + 0.2


def test_an_empty_bag_ends_even_in_a_loop() -> None:
    assert Playback(
        list, lambda record: None, is_frame=lambda record: True, rate=1.0, loop=True, paused=False
    ).run()


def test_closing_ends_a_loop_and_a_pause() -> None:
    for options in ({"loop": True}, {"paused": True}):
        played: list[tuple[float, int]] = []
        one = playback(played, **options)
        ends: list[bool] = []
        thread = threading.Thread(target=lambda one=one, ends=ends: ends.append(one.run()))
        thread.start()
        time.sleep(0.3)
        one.close()
        thread.join(timeout=2.0)
        assert ends == [False]
        assert (len(played) > 5) == ("loop" in options)


@pytest.mark.parametrize(
    ("order", "mark"), [("<", b"\x00\x01\x00\x00"), (">", b"\x00\x00\x00\x00")]
)
def test_a_stamp_is_replaced_in_either_byte_order(order: str, mark: bytes) -> None:
    before = mark + struct.pack(f"{order}iI", 5, 6) + b"rest"
    assert restamped(before, 7_000_000_008) == mark + struct.pack(f"{order}iI", 7, 8) + b"rest"


def test_only_what_is_measured_is_played_under_its_own_name() -> None:
    for kind in ("geometry_msgs/msg/Twist", "sensor_msgs/msg/Joy", "ackermann_msgs/msg/X"):
        assert not is_measurement(kind)
    assert is_measurement("sensor_msgs/msg/Imu")
    assert is_harmless("/car/recorded/cmd_vel")
    assert not is_harmless("/prerecorded/cmd_vel")
