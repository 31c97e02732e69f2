"""Saved policies: the agent's values again, and what is refused."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from f1_rl.driving.environment import make_task, observation_space
from f1_rl.driving.settings import TaskSettings
from f1_rl.learning.agent import Agent
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.settings import AgentSettings, NetworkSettings
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy import (
    PolicyError,
    load_environment_policy,
    load_policy,
    names_environment,
    save_policy,
)
from f1_rl.policy.manifest import describe_task, interface_hash, read_manifest
from f1_rl.policy.model import SavedQFunction
from f1_rl.policy.saliency import Saliency, saliency_of
from f1_rl.settings import build_settings, merge, read_yaml, write_yaml
from f1_rl.simulation import SingleTrackCar

TASK = {
    "circuits": ["oval"],
    "actions": "medium",
    "observation": {"rows": 12, "columns": 32, "frame_stack": 2, "farthest_m": 12},
}
NETWORK = NetworkSettings(filters=(4,), kernels=((3, 4),), strides=((2, 2),), units=(16,))


def task_of(changes=None):
    return make_task(build_settings(TaskSettings, merge(TASK, changes or {})))


class Saved:
    """An agent, its task, and the folder it was saved in."""

    def __init__(self, folder, changes=None, algorithm="double_dqn") -> None:
        self.folder = folder
        self.task = task_of(changes)
        frame_stack = self.task.settings.observation.frame_stack
        layout = ObservationLayout(observation_space(self.task), frame_stack)
        settings = AgentSettings(algorithm=algorithm, network=NETWORK)
        self.agent = Agent(layout, len(self.task.actions), settings, seed=3, device="/CPU:0")
        rng = np.random.default_rng(0)
        self.agent.set_weights([rng.normal(0, 0.2, w.shape) for w in self.agent.weights()])
        self.manifest = describe_task(
            self.task,
            training={"env_steps": 7, "seed": 3},
            results={"summary": "none", "episodes": [{"lap_time_s": float("nan")}]},
            versions={"f1_rl": "0.1.0", "commit": "123456e78901"},
        )
        save_policy(folder, self.agent, self.manifest)

    def observations(self, count, seed=0):
        rng = np.random.default_rng(seed)
        return [
            rng.integers(0, 256, (count, *part.shape), dtype=np.uint8)
            if part.dtype == np.uint8
            else rng.normal(size=(count, *part.shape)).astype(np.float32)
            for part in self.agent.layout.parts
        ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Saved:
    return Saved(tmp_path_factory.mktemp("policies") / "policy")


@pytest.fixture(scope="module")
def saved_with_speed(tmp_path_factory) -> Saved:
    folder = tmp_path_factory.mktemp("policies") / "policy"
    changes = {"observation": {"speed": True, "channel": "rgb"}}
    return Saved(folder, changes, algorithm="c51")


@pytest.fixture
def copied(saved, tmp_path):
    return shutil.copytree(saved.folder, tmp_path / "copy")


def check_values(saved, policy) -> None:
    # Back and forth between sizes, as from driving to evaluating.
    for count in (1, 8, 3, 8, 1):
        parts = saved.observations(count, seed=count)
        expected = saved.agent.q_values(parts)
        np.testing.assert_allclose(policy.q_values(parts), expected, atol=1e-4)
        for i in range(count):
            one = policy.q_values([part[i : i + 1] for part in parts])
            np.testing.assert_allclose(one[0], expected[i], atol=1e-4)


def test_a_loaded_policy_has_the_agents_values(saved):
    check_values(saved, load_policy(saved.folder))


def test_a_policy_with_speed_and_atoms_has_the_agents_values(saved_with_speed):
    policy = load_policy(saved_with_speed.folder)
    check_values(saved_with_speed, policy)
    frames, speed = saved_with_speed.observations(4)
    np.testing.assert_array_equal(
        policy.observation_values({"speed": speed, "frames": frames}),
        policy.q_values([frames, speed]),
    )


@pytest.mark.parametrize("fixture", ["saved", "saved_with_speed"])
def test_the_saved_model_takes_the_same_greedy_actions(fixture, request):
    import tensorflow as tf
    from tf_agents.trajectories import time_step

    saved = request.getfixturevalue(fixture)
    model = tf.saved_model.load(str(saved.folder / "saved_model"))
    parts = saved.observations(16)
    observation = saved.agent.layout.join([tf.constant(part) for part in parts])
    step = time_step.restart(observation, batch_size=16)
    greedy = model.action(step, model.get_initial_state(16)).action.numpy()
    values = load_policy(saved.folder).q_values(parts)
    np.testing.assert_array_equal(greedy, values.argmax(axis=1))
    assert len(set(greedy)) > 1


def test_commands_are_those_of_the_greedy_action(saved):
    policy = load_policy(saved.folder)
    (frames,) = saved.observations(8)
    chosen = saved.agent.q_values([frames]).argmax(axis=1)
    np.testing.assert_array_equal(policy.commands(frames), saved.task.actions.commands[chosen])


def test_the_interpreters_of_litert_and_tensorflow_agree(saved, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    light = load_policy(saved.folder)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    full = load_policy(saved.folder)
    assert type(light._interpreter).__module__.startswith("ai_edge_litert")
    assert type(full._interpreter).__module__.startswith("tensorflow")
    parts = saved.observations(5)
    np.testing.assert_allclose(light.q_values(parts), full.q_values(parts), atol=1e-5)


def test_without_an_interpreter_the_command_to_install_one_is_named(saved, monkeypatch):
    for module in ("ai_edge_litert.interpreter", "tensorflow.lite", "tensorflow"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PolicyError, match="pip install ai-edge-litert"):
        load_policy(saved.folder)


def test_the_manifest_comes_back_as_it_was_written(saved):
    manifest = read_manifest(saved.folder)
    assert json.dumps(manifest.as_dict()) == json.dumps(saved.manifest.as_dict())
    assert manifest.versions == {"f1_rl": "0.1.0", "commit": "123456e78901"}
    assert load_policy(saved.folder).task_settings == saved.task.settings
    assert [path.name for path in sorted(saved.folder.iterdir())] == [
        "policy.tflite",
        "policy.yaml",
        "saved_model",
    ]


def test_a_run_folder_stands_for_its_best_policy(saved, tmp_path):
    shutil.copytree(saved.folder, tmp_path / "run" / "policy")
    policy = load_policy(tmp_path / "run")
    assert policy.folder == tmp_path / "run" / "policy"


def test_observations_of_another_shape_are_refused(saved, saved_with_speed):
    with pytest.raises(PolicyError, match=r"takes observations \(12, 32, 2\), not"):
        load_policy(saved.folder).q_values([np.zeros((1, 12, 32, 1), np.uint8)])
    with pytest.raises(PolicyError, match="takes observations"):
        load_policy(saved_with_speed.folder).q_values(saved_with_speed.observations(1)[:1])


def edit(folder, change) -> None:
    path = folder / "policy.yaml"
    content = read_yaml(path)
    change(content)
    write_yaml(path, content)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["observation"].update(columns=64),
        lambda c: c["observation"]["image_rows"].__setitem__(0, 999),
        lambda c: c["observation"]["camera"].update(horizontal_fov_rad=1.2),
        lambda c: c["actions"]["commands"][1].__setitem__(0, 9.0),
        lambda c: c.update(control_period_ms=40),
        lambda c: c.update(hash="0" * 64),
    ],
    ids=["columns", "rows", "camera", "actions", "period", "hash"],
)
def test_a_manifest_that_was_edited_is_refused(copied, change):
    edit(copied, change)
    with pytest.raises(PolicyError, match="the hash does not fit"):
        load_policy(copied)


def test_what_training_told_may_be_edited(copied):
    edit(copied, lambda content: content["training"].update(note="mine"))
    assert load_policy(copied).manifest.training["note"] == "mine"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.update(format=2), "has format 2, this version of f1_rl reads up to 1"),
        (lambda c: c.update(format="two"), "format is 'two'; give a whole number"),
        (lambda c: c.update(future_field=1), "no setting 'future_field'"),
        (lambda c: c.pop("hash"), "it lacks 'hash'; add it"),
        (lambda c: c.update(observation=3), "observation is 3; give a mapping"),
    ],
)
def test_manifests_that_cannot_be_read_are_refused(copied, change, reason):
    edit(copied, change)
    with pytest.raises(PolicyError, match=reason) as caught:
        load_policy(copied)
    assert "\n" not in str(caught.value)


def test_a_later_format_with_fields_unknown_today_is_named_as_such(copied):
    edit(copied, lambda content: content.update(format=3, shape="new"))
    with pytest.raises(PolicyError, match="upgrade f1_rl"):
        load_policy(copied)


@pytest.mark.parametrize("content", ["", "a: [", "- 1"])
def test_damaged_manifests_are_refused(copied, content):
    (copied / "policy.yaml").write_text(content)
    with pytest.raises(PolicyError, match=r"policy\.yaml: "):
        load_policy(copied)


@pytest.mark.parametrize("lost", [5, 120, 3_000])
def test_a_manifest_that_was_cut_off_is_refused(copied, lost):
    path = copied / "policy.yaml"
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(PolicyError, match=str(path)):
        load_policy(copied)


def test_a_manifest_that_was_cut_off_between_two_lines_is_refused(copied):
    path = copied / "policy.yaml"
    path.write_text(path.read_text().partition("versions:")[0])
    with pytest.raises(PolicyError, match="is cut off at its end; copy it again"):
        load_policy(copied)


def test_settings_of_the_task_that_are_unknown_here_are_refused(copied):
    edit(copied, lambda content: content["task"].update(weather="rain"))
    with pytest.raises(PolicyError, match="weather"):
        _ = load_policy(copied).task_settings


def test_a_missing_folder_or_model_is_refused(copied, tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(PolicyError, match="is no policy folder"):
            load_policy(folder)
    (copied / "policy.tflite").unlink()
    with pytest.raises(PolicyError, match=r"policy\.tflite is missing"):
        load_policy(copied)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_model_is_refused_in_one_sentence(copied, share, capfd):
    path = copied / "policy.tflite"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(PolicyError, match="is damaged or no TFLite model") as caught:
        load_policy(copied)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"camera": {"width": 320}}, r"observation.camera = .*640.*this task has .*320"),
        ({"camera": {"horizontal_fov_rad": 1.3}}, r"observation.camera = .*1.57"),
        ({"actions": "simple"}, "commands = "),
        ({"control_period_ms": 40}, "control_period_ms = 50, this task has 40"),
        ({"observation": {"columns": 64}}, "observation.columns = 32, this task has 64"),
        ({"observation": {"channel": "green"}}, "observation.channel = red"),
        ({"observation": {"speed": True}}, "observation.speed = False, this task has True"),
        ({"observation": {"frame_stack": 3}}, "observation.frame_stack = 2"),
        # Another height shows the same ground in other rows.
        ({"camera": {"z_m": 0.08}}, "observation.image_rows"),
    ],
)
def test_a_task_that_the_policy_does_not_fit_is_refused_by_the_first_difference(
    saved, changes, reason
):
    with pytest.raises(PolicyError, match=reason):
        load_policy(saved.folder).check_fits(task_of(changes))


def test_several_differences_are_counted(saved):
    with pytest.raises(PolicyError, match="and 1 more differ"):
        load_policy(saved.folder).check_fits(
            task_of({"actions": "simple", "control_period_ms": 40})
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"circuits": ["simple", "random-3"]},
        {"vehicle": "single_track"},
        {"variation": {"noise_sigma": [0, 5]}},
        {"endings": {"laps": 3}},
        {"observation": {"farthest_m": 12.0}},
    ],
)
def test_other_circuits_cars_pictures_and_rules_fit(saved, changes):
    load_policy(saved.folder).check_fits(task_of(changes))


def test_a_policy_drives_without_the_reward_rules_of_whoever_trained_it(copied):
    edit(copied, lambda c: c["task"].update(rewards={"mine.py:brave": 1.0, "progress": 0.5}))
    assert load_policy(copied).task_settings.rewards == {"progress": 0.5}
    edit(copied, lambda c: c["task"].update(rewards={"mine.py:brave": 1.0}))
    assert load_policy(copied).task_settings.rewards == TaskSettings().rewards


def test_whole_metres_are_hashed_alike_however_they_are_written():
    assert interface_hash({"a": [1, 2.0], "b": {"c": 3}}) == interface_hash(
        {"b": {"c": 3.0}, "a": (1.0, 2)}
    )
    assert interface_hash({"a": 1.5}) != interface_hash({"a": 1})


def test_many_parts_of_an_observation_keep_their_order(tmp_path):
    import gymnasium as gym

    box = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    layout = ObservationLayout(gym.spaces.Dict({f"part_{i:02d}": box for i in range(12)}), 1)
    network = NetworkSettings(filters=(), kernels=(), strides=(), units=(16,))
    agent = Agent(layout, 3, AgentSettings(network=network), seed=0, device="/CPU:0")
    (tmp_path / "policy.tflite").write_bytes(agent.tflite_model())
    parts = list(np.random.default_rng(0).normal(size=(12, 4, 1)).astype(np.float32))
    np.testing.assert_allclose(
        SavedQFunction(tmp_path).q_values(parts), agent.q_values(parts), atol=1e-5
    )


class Broken:
    """A source whose disk is full at the model."""

    def tflite_model(self) -> bytes:
        return b"new"

    def save_greedy_policy(self, folder) -> None:
        raise OSError(28, "No space left on device")


def test_a_policy_that_cannot_be_written_leaves_the_one_before(saved, copied):
    before = sorted(path.name for path in copied.parent.iterdir())
    with pytest.raises(PolicyError, match=r"cannot be written \(No space left on device\)"):
        save_policy(copied, Broken(), saved.manifest)
    check_values(saved, load_policy(copied))
    assert sorted(path.name for path in copied.parent.iterdir()) == before


def test_a_policy_that_cannot_be_put_in_its_place_leaves_the_one_before(saved, copied, monkeypatch):
    class Whole(Broken):
        def save_greedy_policy(self, folder) -> None:
            folder.mkdir()

    rename = Path.rename

    def refused(self, target):
        if self.name.endswith(".partial"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refused)
        with pytest.raises(PolicyError, match="cannot be written"):
            save_policy(copied, Whole(), saved.manifest)
    check_values(saved, load_policy(copied))
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


def test_saving_again_replaces_the_policy_as_a_whole(saved, copied):
    (copied / "stray").write_text("")
    save_policy(copied, saved.agent, saved.manifest)
    assert not (copied / "stray").exists()
    check_values(saved, load_policy(copied))


def test_a_policy_that_drives_plays_no_other_environment(saved):
    assert not names_environment(saved.folder)
    with pytest.raises(PolicyError, match="was trained to drive circuits"):
        load_environment_policy(saved.folder)


@pytest.mark.parametrize("fixture", ["saved", "saved_with_speed"])
def test_the_saliency_of_a_policy_is_that_of_the_agents_values(fixture, request):
    saved = request.getfixturevalue(fixture)
    frames, *speed = saved.observations(1)
    observations = {"frames": frames, "speed": speed[0]} if speed else frames

    scores = saliency_of(load_policy(saved.folder)).of(observations)

    expected = Saliency(saved.agent.q_values, frames.shape[1:]).of(observations)
    assert scores.shape == (12, 32)
    assert scores.max() > 0.0
    np.testing.assert_allclose(scores, expected, rtol=0.02, atol=1e-3 * scores.max())


def test_a_policy_of_pedals_commands_by_the_speed_of_the_car(tmp_path):
    saved = Saved(tmp_path / "policy", {"actions": "pedals", "vehicle": "single_track"})
    policy = load_policy(saved.folder)
    assert policy.actions == replace(saved.task.actions, description="")
    policy.check_fits(saved.task)
    pilot = Pilot(policy)
    assert pilot.needs_speed
    assert pilot.fastest.speed_mps == saved.task.actions.max_speed_mps
    picture = np.full((480, 640, 3), 90, np.uint8)
    for speed_mps in (2.0, 9.0):
        decision = pilot.decide(picture, True, speed_mps)
        told = saved.task.actions.commands_at(np.array([speed_mps]), 0.05)[0, decision.action]
        assert decision.command == tuple(told)
    (frames,) = saved.observations(2)
    with pytest.raises(PolicyError, match="by pedals, whose commands depend on the car's speed"):
        policy.commands(frames)
    with pytest.raises(PolicyError, match="was trained with commands = "):
        policy.check_fits(task_of())


def test_a_policy_of_pedals_leads_a_car_that_answers_late_as_in_its_training(tmp_path):
    late = {"actuators": {"drive_lag_s": 0.1}, "variation": {"action_delay_s": [0.0, 0.1]}}
    saved = Saved(tmp_path / "policy", {"actions": "pedals", "vehicle": "single_track", **late})
    pilot = Pilot(load_policy(saved.folder))
    own = saved.task.action_commands()
    np.testing.assert_array_equal(pilot.commands_at(saved.task.cars.speed_mps), own)
    gained_mps = SingleTrackCar().max_acceleration_mps2 * (0.05 + 4 * 0.1 + 0.1)
    assert own[0, 0, 0] == pytest.approx(gained_mps)


def test_the_top_speed_of_pedals_is_part_of_what_two_sides_agree_on(tmp_path):
    saved = Saved(tmp_path / "policy", {"actions": "pedals", "vehicle": "single_track"})
    saved.task.actions = replace(saved.task.actions, top_speed_mps=20.0)
    with pytest.raises(PolicyError, match=r"top_speed_mps = 12\.0, this task has 20\.0"):
        load_policy(saved.folder).check_fits(saved.task)
