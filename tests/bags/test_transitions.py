"""Bags become episodes: what is matched, what is cut, and what rewards and endings are given."""

from dataclasses import replace

import numpy as np
import pytest
from recorded_drives import PERIOD_NS, Sample, drive, task_settings, write_bag

from f1_rl.bags import BagError, DriveFrame
from f1_rl.bags.converter import control_periods
from f1_rl.bags.episodes import Account
from f1_rl.bags.transitions import DemonstrationSettings, convert_bags
from f1_rl.driving.actions import load_action_table, nearest_actions
from f1_rl.driving.environment import F1CameraVectorEnv
from f1_rl.driving.observation import Preprocessing
from f1_rl.driving.task import Starts
from f1_rl.settings import build_settings

ONE = np.zeros(1, np.int64)


def convert(bag, task, **settings):
    given = build_settings(DemonstrationSettings, {"bags": [str(bag)], **settings})
    episodes, (account,) = convert_bags(given, task)
    return episodes, account


def drive_by_actions(task, actions, *, direction=1, lateral_m=0.0):
    """Drive one car of the real environment, and return its samples and what it was given."""
    env = F1CameraVectorEnv(1, **task.as_dict())
    start = Starts(ONE, np.array([5.0]), np.array([direction]), np.array([lateral_m]), np.zeros(1))
    observation, _ = env.reset(seed=0, options={"starts": start})
    cars, table = env.task.cars, env.task.actions.pairs
    samples, given = [], [(observation, None, None)]
    for number, action in enumerate([*actions, None]):
        pose = cars.poses
        samples.append(
            Sample(
                (number + 1) * PERIOD_NS,
                cars.frame(0),
                (float(pose.x_m[0]), float(pose.y_m[0]), float(pose.yaw_rad[0])),
                float(cars.speed_mps[0]),
                float(cars.yaw_rate_radps[0]),
                None if action is None else table[action],
            )
        )
        if action is not None:
            observation, reward, terminated, _, _ = env.step(np.array([action]))
            given.append((observation, reward[0], terminated[0]))
            if terminated[0]:
                actions = actions[: number + 1]
    return samples, given


@pytest.fixture(scope="module")
def samples():
    """Ten seconds of the classical driver on the oval."""
    return drive(task_settings(), 10.0, anywhere=False)


@pytest.fixture(scope="module")
def bag(samples, tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp("bags") / "clean", samples)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("speed", [False, True])
def test_a_recorded_episode_is_the_one_that_the_environment_gave(tmp_path, direction, speed):
    task = task_settings(observation={"frame_stack": 1, "speed": speed})
    rng = np.random.default_rng(1)
    samples, given = drive_by_actions(
        task, rng.integers(0, 3, 25).tolist(), direction=direction, lateral_m=0.3
    )
    (episode,), account = convert(write_bag(tmp_path / "bag", samples), task)
    assert (len(episode), episode.terminated, account.unmatched) == (25, False, 1)
    assert (account.circuit, account.far_commands, account.command_distance) == ("oval", 0, 0.0)
    np.testing.assert_allclose(episode.rewards, [reward for _, reward, _ in given[1:]], atol=1e-5)
    frames = [o["frames"] if speed else o for o, _, _ in given]
    preprocessing = Preprocessing(task.observation, task.camera)
    whole = [preprocessing.apply(sample.picture) for sample in samples]
    np.testing.assert_array_equal(episode.frames, whole)
    # Drawn directly or taken from a whole picture, which tells how soft an edge is.
    difference = episode.frames.astype(int) - np.concatenate(frames).astype(int)
    assert np.abs(difference).mean() < 0.5
    if speed:
        np.testing.assert_allclose(
            episode.speed, np.concatenate([o["speed"] for o, _, _ in given]), atol=1e-6
        )
    else:
        assert episode.speed is None


def test_a_drive_off_the_road_ends_as_in_the_environment(tmp_path):
    task = task_settings(actions="simple")
    samples, given = drive_by_actions(task, [1] * 60)
    ended = next(i for i, (_, _, terminated) in enumerate(given) if terminated)
    (episode,), account = convert(write_bag(tmp_path / "bag", samples[: ended + 1]), task)
    assert (len(episode), episode.terminated, episode.reason) == (ended, True, "off_road")
    assert episode.rewards[-1] == pytest.approx(given[ended][1], abs=1e-5)
    assert account.failures == 1


def test_no_episode_begins_off_the_road(tmp_path, samples):
    moved = [
        replace(s, pose=(s.pose[0] + 100.0, *s.pose[1:])) if 50 <= i < 80 else s
        for i, s in enumerate(samples)
    ]
    episodes, account = convert(write_bag(tmp_path / "bag", moved), task_settings())
    assert account.off_road == 30
    assert account.teleports == 1
    assert [len(episode) for episode in episodes] == [49, 119]
    assert [episode.reason for episode in episodes] == ["teleport", "end"]


def test_commands_become_the_nearest_action():
    table = load_action_table("racing").commands
    actions, distances = nearest_actions(np.array([(7.0, 0.0), (6.3, 0.0), (5.0, 2.16)]), table)
    assert actions.tolist() == [0, 0, 5]
    np.testing.assert_allclose(distances, [0.0, 0.1, 0.1])


def test_a_frame_whose_command_is_near_to_no_action_ends_an_episode(tmp_path, samples):
    changed = [
        replace(s, command=(0.0, 0.0)) if i in (40, 41) else s for i, s in enumerate(samples)
    ]
    episodes, account = convert(write_bag(tmp_path / "bag", changed), task_settings())
    assert account.far_commands == 2
    assert episodes[0].reason == "far_command"
    assert not episodes[0].terminated
    assert len(episodes[0]) == 40


def test_frames_without_a_command_or_odometry_are_counted(tmp_path, samples):
    changed = [replace(s, command=None) if i == 40 else s for i, s in enumerate(samples)]
    # Half the tolerance: else the command of the next frame would be taken for this one's.
    episodes, account = convert(
        write_bag(tmp_path / "bag", changed), task_settings(), align_within_ms=20
    )
    assert account.unmatched == 1
    assert [len(episode) for episode in episodes] == [40, len(samples) - 42]


def test_a_gap_and_a_teleport_cut_an_episode(tmp_path, samples):
    late = [replace(s, stamp_ns=s.stamp_ns + 7 * PERIOD_NS) for s in samples[60:]]
    far = replace(samples[-1], pose=samples[0].pose, stamp_ns=late[-1].stamp_ns + PERIOD_NS)
    bag = write_bag(tmp_path / "bag", [*samples[:60], *late, far])
    episodes, account = convert(bag, task_settings())
    assert (account.gaps, account.teleports) == (1, 1)
    assert [episode.reason for episode in episodes] == ["gap", "teleport"]
    assert not any(episode.terminated for episode in episodes)


def frame_at(milliseconds):
    return DriveFrame(round(milliseconds * 1e6), 0, np.zeros((1, 1, 3), np.uint8), None, None)


@pytest.mark.parametrize(
    ("stamps_ms", "chosen_ms", "between", "gaps"),
    [
        ([0, 50, 100, 150], [0, 50, 100, 150], 0, 0),
        # A camera of 60 Hz.
        ([0, 16.7, 33.3, 50, 66.7, 83.3, 100], [0, 50, 100], 4, 0),
        # Of two within the tolerance, the nearer.
        ([0, 42, 51, 60, 101], [0, 51, 101], 2, 0),
        ([0, 49, 58, 100], [0, 49, 100], 1, 0),
        # Jitter adds up, which does not matter.
        ([0, 58, 117, 175], [0, 58, 117, 175], 0, 0),
        # 30 Hz do not divide into 20 Hz.
        ([0, 33.3, 66.7, 100], [0, 66.7], 2, 1),
        # A gap, the clock set back, and stamps that stand still.
        ([0, 50, 250, 300], [0, 50, 250, 300], 0, 1),
        ([1000, 1050, 0, 50], [1000, 1050, 0, 50], 0, 1),
        ([0, 0, 0, 0], [0], 3, 0),
    ],
)
def test_frames_are_chosen_one_control_period_apart(stamps_ms, chosen_ms, between, gaps):
    account = Account("", "image")
    frames = [frame_at(stamp) for stamp in stamps_ms]
    chosen = list(control_periods(frames, PERIOD_NS, 0.25, account))
    assert [frame.stamp_ns / 1e6 for frame, _ in chosen] == pytest.approx(chosen_ms)
    assert [follows for _, follows in chosen].count(False) == gaps + 1
    assert (account.frames, account.between, account.gaps) == (len(stamps_ms), between, gaps)


def test_pictures_alone_give_rewards_like_those_of_the_circuit(tmp_path):
    samples = drive(task_settings(), 30.0, noise=(0.05, 0.3), seed=2)
    with_odometry = write_bag(tmp_path / "with", samples)
    without = write_bag(tmp_path / "without", samples, odometry=False)
    by_circuit, _ = convert(with_odometry, task_settings(), action_tolerance=10)
    by_picture, account = convert(without, task_settings(), action_tolerance=10)
    assert (account.reward, account.circuit, account.failures) == ("image", "", 0)
    known = np.concatenate([episode.rewards for episode in by_circuit])
    rewards = np.concatenate([episode.rewards for episode in by_picture])
    assert len(known) == len(rewards)
    assert np.corrcoef(known, rewards)[0, 1] > 0.9
    assert abs(known.mean() - rewards.mean()) < 0.1


def test_a_line_out_of_sight_is_a_failure(tmp_path, samples):
    dark = [
        replace(s, picture=np.zeros_like(s.picture)) if i >= 30 else s
        for i, s in enumerate(samples)
    ]
    bag = write_bag(tmp_path / "bag", dark[:40], odometry=False)
    (episode,), account = convert(bag, task_settings())
    assert (episode.terminated, episode.reason, len(episode)) == (True, "line_lost", 30)
    assert episode.rewards[-1] == -1.0
    assert account.off_road == 10


def test_the_circuit_that_was_driven_is_found_among_those_of_the_task(bag):
    _, account = convert(bag, task_settings(circuits=["simple", "oval"]))
    assert account.circuit == "oval"


def test_several_bags_are_accounted_for_one_by_one(bag, tmp_path, samples):
    other = write_bag(tmp_path / "other", samples[:100])
    settings = DemonstrationSettings(bags=(str(bag), str(other)))
    episodes, accounts = convert_bags(settings, task_settings())
    assert [account.bag for account in accounts] == [str(bag), str(other)]
    assert sum(account.transitions for account in accounts) == sum(map(len, episodes))
    assert f"{accounts[1].transitions} transitions" in str(accounts[1])


def refusal(bags, task, **settings):
    given = build_settings(DemonstrationSettings, {"bags": [str(bag) for bag in bags], **settings})
    with pytest.raises(BagError) as caught:
        convert_bags(given, task)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_bag_of_another_camera_is_refused(bag):
    said = refusal([bag], task_settings(camera={"width": 640, "height": 480}))
    assert "192 x 144 pixels, the task's camera has 640 x 480" in said
    assert "--set task.camera.width=192 --set task.camera.height=144" in said


def test_bags_of_different_cameras_are_refused(bag, tmp_path, samples):
    small = [replace(s, picture=s.picture[::2, ::2]) for s in samples[:5]]
    other = write_bag(tmp_path / "other", small)
    said = refusal([bag, other], task_settings())
    assert str(other) in said
    assert "one policy learns from one camera" in said


def test_a_bag_of_another_circuit_is_refused(bag):
    said = refusal([bag], task_settings(circuits=["simple"]))
    assert "lies on the road of simple; give the circuit that was driven with --circuit" in said


def test_a_bag_without_odometry_cannot_be_judged_by_a_circuit(tmp_path, samples):
    bag = write_bag(tmp_path / "bag", samples[:5], odometry=False)
    assert "has no odometry" in refusal([bag], task_settings(), reward="circuit")
    said = refusal([bag], task_settings(observation={"speed": True}))
    assert "has no odometry, and the task observes the speed" in said


def test_a_bag_without_commands_is_refused(tmp_path, samples):
    bag = write_bag(tmp_path / "bag", samples[:5], commands=False)
    assert "holds no commands" in refusal([bag], task_settings())


def test_a_bag_with_too_few_frames_is_refused(tmp_path, samples):
    said = refusal([write_bag(tmp_path / "bag", samples[:1])], task_settings())
    assert "gives nothing to learn from: of its 1 frames no two follow one another" in said


def test_a_bag_whose_commands_are_near_to_no_action_is_refused(tmp_path, samples):
    slow = [replace(s, command=(0.5, 0.0)) for s in samples[:20]]
    said = refusal([write_bag(tmp_path / "bag", slow)], task_settings())
    assert "20 with a command that is far from every action" in said
    assert said.endswith("choose another action table with --set task.actions=NAME.")


def test_an_observation_that_cannot_show_the_line_cannot_be_judged_by_it(tmp_path, samples):
    bag = write_bag(tmp_path / "bag", samples[:5], odometry=False)
    settings = DemonstrationSettings(bags=(str(bag),))
    with pytest.raises(ValueError, match="seen in the red channel only"):
        convert_bags(settings, task_settings(observation={"channel": "blue"}))


def test_the_drive_recorded_in_gazebo_becomes_transitions(repository):
    bag = repository.parent / "shared" / "bags" / "gazebo_lap"
    if not bag.is_dir():
        pytest.skip("the bag gazebo_lap is not here")
    circuit = repository / "tests" / "data" / "circuits" / "gazebo_centreline.csv"
    task = task_settings(
        camera={"width": 640, "height": 480}, circuits=[str(circuit)], actions="simple"
    )
    episodes, account = convert(bag, task)
    # The last frame was not answered any more.
    assert (account.frames, account.unmatched, account.gaps) == (940, 1, 0)
    assert account.transitions + account.episodes + account.far_commands >= 939
    assert sum(map(len, episodes)) == account.transitions > 300
    assert account.failures == 0
