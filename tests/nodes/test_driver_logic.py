"""The driver's logic, without ROS and without waiting."""

import math
import threading
from pathlib import Path

import numpy as np
import pytest

from f1_rl.driving.observation import ObservationSettings, Preprocessing
from f1_rl.nodes.deadman import Deadman
from f1_rl.nodes.frame_gate import FrameGate, Verdict
from f1_rl.nodes.helm import NO_FRAME, Helm, Ticker
from f1_rl.nodes.latency import Durations, Rate
from f1_rl.nodes.limiter import STOP, Command, CommandLimiter, CommandLimits
from f1_rl.nodes.newest import Newest
from f1_rl.nodes.overlay import draw_overlay
from f1_rl.nodes.picture_check import PictureCheck
from f1_rl.nodes.pilot import Decision, Pilot, camera_fault
from f1_rl.nodes.watchdog import Watchdog
from f1_rl.reporting.camera_overlay import ROW_COLOUR
from f1_rl.simulation import Camera

POLICY = Path(__file__).parents[1] / "data" / "policy"
MS = 1_000_000


def make_helm(limits: CommandLimits | None = None) -> tuple[Helm, list[Command], list[str]]:
    sent: list[Command] = []
    said: list[str] = []
    helm = Helm(
        sent.append,
        CommandLimiter(limits or CommandLimits(), 0.05),
        Watchdog(0.3),
        lambda reason, sentence: said.append(f"{'+' if sentence else '-'}{reason}"),
    )
    return helm, sent, said


def test_a_watchdog_expires_after_its_timeout_and_not_before() -> None:
    watchdog = Watchdog(0.3)
    assert watchdog.expired(0.0)
    watchdog.feed(10.0)
    assert not watchdog.expired(10.29)
    assert watchdog.expired(10.31)
    watchdog.feed(9.0)
    assert watchdog.age_s(10.1) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="more than 0"):
        Watchdog(0.0)


def test_commands_are_cut_to_the_largest_allowed() -> None:
    limiter = CommandLimiter(CommandLimits(speed_mps=5.0, yaw_rate_radps=1.0), 0.05)
    assert limiter.limit(Command(7.0, -2.0), 0.0) == Command(5.0, -1.0)
    assert limiter.limited == 1


def test_speed_and_yaw_rate_change_no_faster_than_allowed() -> None:
    limits = CommandLimits(
        acceleration_mps2=20.0, deceleration_mps2=40.0, yaw_acceleration_radps2=10.0
    )
    limiter = CommandLimiter(limits, 0.05)
    assert limiter.limit(Command(7.0, 2.0), 0.0) == pytest.approx((1.0, 0.5))
    assert limiter.limit(Command(7.0, 2.0), 0.05) == pytest.approx((2.0, 1.0))
    assert limiter.limit(Command(0.5, -2.0), 0.1) == pytest.approx((0.5, 0.5))
    # After a long silence the next command may not jump.
    assert limiter.limit(Command(50.0, 0.0), 100.0).speed_mps == pytest.approx(0.5 + 0.2 * 20.0)


def test_a_command_within_the_limits_goes_out_as_it_is_and_is_not_counted() -> None:
    limiter = CommandLimiter(CommandLimits(yaw_acceleration_radps2=60.0), 0.05)
    # -1.8 - 0.5 and 0.5 added to it again are not -1.8.
    for i, command in enumerate((Command(7.0, 0.5), Command(5.0, -1.8), Command(7.0, 0.5))):
        assert limiter.limit(command, 0.05 * i) == command
    assert limiter.limited == 0


def test_the_way_from_forward_to_backward_leads_through_a_stop() -> None:
    limiter = CommandLimiter(CommandLimits(acceleration_mps2=20.0, deceleration_mps2=1000.0), 0.05)
    limiter.limit(Command(1.0, 0.0), 0.0)
    assert limiter.limit(Command(-3.0, 0.0), 0.05).speed_mps == 0.0
    assert limiter.limit(Command(-3.0, 0.0), 0.1).speed_mps == pytest.approx(-1.0)


def test_a_command_that_is_not_finite_becomes_a_stop() -> None:
    limiter = CommandLimiter(CommandLimits(), 0.05)
    assert limiter.limit(Command(math.nan, 0.0), 0.0) == STOP
    assert limiter.limit(Command(1.0, math.inf), 0.1) == STOP


def test_frames_pass_once_in_order_and_at_the_pace_of_the_policy() -> None:
    gate = FrameGate(0.05, 0.3)
    stamps_ms = [1000, 1050, 1050, 1000, 1070, 1100, 1500]
    verdicts = [gate.judge(ms * MS) for ms in stamps_ms]
    assert verdicts == [
        Verdict.FIRST,
        Verdict.NEXT,
        Verdict.DUPLICATE,
        Verdict.BACKWARDS,
        Verdict.EARLY,
        Verdict.NEXT,
        Verdict.FIRST,
    ]
    assert gate.counts[Verdict.DUPLICATE] == gate.counts[Verdict.BACKWARDS] == 1


def test_a_camera_clock_that_was_set_back_is_followed_after_a_few_frames() -> None:
    gate = FrameGate(0.05, 0.3)
    gate.judge(9000 * MS)
    verdicts = [gate.judge(ms * MS) for ms in (100, 150, 200, 250)]
    assert verdicts == [Verdict.BACKWARDS, Verdict.BACKWARDS, Verdict.FIRST, Verdict.NEXT]


def test_percentiles_and_rates_are_those_of_the_last_while() -> None:
    durations = Durations(length=100)
    for i in range(1000):
        durations.add(float(i))
    assert durations.percentiles().p50_s == pytest.approx(949.5)
    assert durations.percentiles().largest_s == 999.0
    assert math.isnan(Durations().percentiles().p99_s)
    rate = Rate(2.0)
    for i in range(200):
        rate.add(i * 0.05)
    assert rate.hz(199 * 0.05) == pytest.approx(20.0, abs=0.5)
    assert rate.hz(100.0) == 0.0
    assert rate.total == 200


def test_to_ask_for_a_rate_takes_nothing_from_the_thread_that_adds() -> None:
    rate = Rate()
    rate.add(0.0)
    rate.add(1.0)
    assert rate.hz(2.5) == 0.5
    assert rate.hz(9.0) == 0.0
    assert rate.hz(1.5) == 1.0


def test_a_blank_picture_is_a_fault_and_a_normal_one_is_not(pictures: list[np.ndarray]) -> None:
    check = PictureCheck(2.0, 0.3, 4.0)
    assert check.fault(pictures[0], STOP, 0.0) is None
    for value in (0, 255):
        fault = check.fault(np.full_like(pictures[0], value), STOP, 0.1)
        assert fault is not None
        assert "blank" in fault


def test_equal_pictures_are_a_fault_soon_in_a_turn_late_on_a_straight_and_never_at_rest(
    pictures: list[np.ndarray],
) -> None:
    def seconds_to_fault(command: Command) -> float:
        check = PictureCheck(2.0, 0.3, 4.0)
        for i in range(200):
            if check.fault(pictures[0], command, 0.05 * i) is not None:
                return 0.05 * i
        return math.inf

    assert seconds_to_fault(Command(5.0, 1.6)) == pytest.approx(0.35, abs=0.06)
    assert seconds_to_fault(Command(7.0, 0.0)) == pytest.approx(4.05, abs=0.06)
    assert seconds_to_fault(STOP) == math.inf
    check = PictureCheck(2.0, 0.3, 4.0)
    moving = [check.fault(pictures[i], Command(5.0, 1.6), 0.05 * i) for i in range(len(pictures))]
    assert moving == [None] * len(pictures)


def test_the_helm_is_silent_unless_engaged_and_ends_with_a_stop() -> None:
    helm, sent, _ = make_helm()
    helm.steer(Command(5.0, 0.0), 0.0, 0.0)
    helm.tick(1.0)
    assert sent == []
    helm.engage(1.0)
    helm.steer(Command(5.0, 0.0), 1.0, 1.0)
    helm.disengage()
    assert sent == [STOP, Command(5.0, 0.0), STOP]
    helm.tick(9.0)
    helm.close()
    assert sent == [STOP, Command(5.0, 0.0), STOP, STOP]
    helm.engage(9.0)
    helm.steer(Command(5.0, 0.0), 9.0, 9.0)
    assert len(sent) == 4


def test_the_helm_stops_again_and_again_until_frames_return() -> None:
    helm, sent, said = make_helm()
    helm.engage(0.0)
    helm.steer(Command(5.0, 0.0), 0.1, 0.1)
    helm.tick(0.39)
    assert sent[-1] == Command(5.0, 0.0)
    helm.tick(0.41)
    helm.tick(0.46)
    assert sent[-2:] == [STOP, STOP]
    assert helm.steer(Command(5.0, 0.0), 0.1, 0.5) is None
    assert helm.steer(Command(5.0, 0.0), 0.5, 0.5) == Command(5.0, 0.0)
    assert said == [f"+{NO_FRAME}", f"-{NO_FRAME}"]


def test_the_car_is_stopped_before_anybody_is_told_why() -> None:
    sent: list[Command] = []
    told: list[Command] = []
    helm = Helm(
        sent.append,
        CommandLimiter(CommandLimits(), 0.05),
        Watchdog(0.3),
        lambda *_: told.append(sent[-1]),
    )
    helm.engage(0.0)
    helm.steer(Command(5.0, 0.0), 0.0, 0.0)
    helm.hold("a", "because.")
    helm.free("a")
    helm.steer(Command(5.0, 0.0), 0.1, 0.1)
    helm.tick(1.0)
    assert told == [STOP, STOP, STOP]


def test_whoever_holds_the_car_has_to_free_it() -> None:
    helm, sent, _ = make_helm()
    helm.engage(0.0)
    helm.steer(Command(5.0, 0.0), 0.0, 0.0)
    helm.hold("a", "because.")
    assert sent[-1] == STOP
    helm.hold("b", "too.")
    helm.free("a")
    assert helm.steer(Command(5.0, 0.0), 0.1, 0.1) is None
    helm.free("b")
    assert helm.steer(Command(5.0, 0.0), 0.2, 0.2) == Command(5.0, 0.0)


def test_after_a_stop_the_car_gains_speed_from_zero() -> None:
    helm, sent, _ = make_helm(CommandLimits(acceleration_mps2=20.0))
    helm.engage(0.0)
    for i in range(5):
        helm.steer(Command(5.0, 0.0), 0.05 * i, 0.05 * i)
    assert sent[-1].speed_mps == pytest.approx(5.0)
    helm.hold("a", "because.")
    helm.free("a")
    assert helm.steer(Command(5.0, 0.0), 0.3, 0.3) == pytest.approx((1.0, 0.0))


def test_a_ticker_goes_on_after_a_tick_that_failed() -> None:
    called = threading.Semaphore(0)

    def tick() -> None:
        called.release()
        raise RuntimeError("this once")

    ticker = Ticker(tick, 0.001, "test")
    assert all(called.acquire(timeout=5.0) for _ in range(3))
    ticker.close()


def test_the_slot_keeps_the_newest_and_lets_the_taker_go() -> None:
    slot: Newest[int] = Newest()
    slot.put(1)
    slot.put(2)
    assert slot.take() == 2
    assert slot.replaced == 1
    slot.close()
    assert slot.take() is None


def test_the_deadman_needs_its_button_and_a_joystick_that_is_there() -> None:
    deadman = Deadman(button=2, timeout_s=0.5)
    assert not deadman.pressed(0.0)
    deadman.hear([0, 0, 1], 0.0)
    assert deadman.pressed(0.4)
    assert not deadman.pressed(0.6)
    deadman.hear([0, 1], 1.0)
    assert not deadman.pressed(1.0)


def test_a_camera_of_other_size_or_lens_is_named() -> None:
    camera = Camera()
    assert camera_fault(camera, 640, 480, camera.focal_length_px) is None
    assert camera_fault(camera, 640, 480, 0.0) is None
    assert "320 x 240" in (camera_fault(camera, 320, 240, 160.0) or "")
    assert "field of view" in (camera_fault(camera, 640, 480, 500.0) or "")


def test_the_pilot_decides_as_the_policy_does_in_training(pictures: list[np.ndarray]) -> None:
    pytest.importorskip("ai_edge_litert")
    from f1_rl.driving.observation import FrameStack
    from f1_rl.policy import load_policy

    policy = load_policy(POLICY)
    settings = policy.task_settings
    preprocessing = Preprocessing(settings.observation, settings.camera)
    stack = FrameStack(1, preprocessing.frame_shape, settings.observation.frame_stack)
    pilot = Pilot(load_policy(POLICY))
    for i, picture in enumerate(pictures[:20]):
        stack.push(preprocessing.apply(picture)[None], np.array([i == 0]))
        decision = pilot.decide(picture, first=i == 0)
        assert decision.command == tuple(policy.commands(stack.array)[0])
    assert pilot.fastest.speed_mps == 7.0


def test_the_overlay_marks_rows_and_the_chosen_action(pictures: list[np.ndarray]) -> None:
    values = np.array([0.0, 1.0, 0.5], np.float32)
    decision = Decision(values, 1, Command(4.0, 1.8))
    names = ("straight", "left", "right")
    preprocessing = Preprocessing(ObservationSettings(), Camera())
    drawn = draw_overlay(pictures[0], preprocessing, decision, names, STOP, ("held.",))
    assert drawn.shape == pictures[0].shape
    assert (drawn[list(preprocessing.view.rows), :4] == ROW_COLOUR).all()
    hot = np.ones((24, 64), np.float32)
    salient = draw_overlay(
        pictures[0], preprocessing, decision, names, STOP, ("held.",), saliency=hot
    )
    assert not np.array_equal(salient[280, 200:], drawn[280, 200:])
    assert not np.array_equal(drawn, pictures[0])
    assert (drawn == (0, 230, 120)).all(axis=-1).sum() > 500
