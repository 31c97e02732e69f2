"""The training loop: what a run leaves, how it stops, and that resuming changes nothing."""

import math
import shutil

import numpy as np
import pytest
import yaml
from learning_helpers import TINY, Quiet, read_rows, tiny_settings

from f1_rl.driving.registration import CAMERA_ID
from f1_rl.learning.agent import Agent, DivergedError
from f1_rl.learning.checkpoints import CheckpointError, Checkpoints
from f1_rl.learning.replay import Replay
from f1_rl.learning.run_folder import RunFolderError
from f1_rl.learning.runs import RunSettings, run_settings
from f1_rl.learning.training import start_run
from f1_rl.policy import load_environment_policy, load_policy
from f1_rl.policy.manifest import read_manifest
from f1_rl.settings import SettingsError, build_settings, merge, read_yaml

METRICS = (
    "env_step,update,wall_time_s,steps_per_s,episodes,faults,episode_return,episode_length,epsilon,"
    "loss,mean_q"
)
EVALUATIONS = (
    "env_step,update,wall_time_s,circuit,direction,start_arc_length_m,completed,laps,lap_time_s,"
    "completion,mean_lateral_error_m,p95_lateral_error_m,mean_speed_mps,command_smoothness,"
    "off_track,wrong_way,episode_return"
)
CARTPOLE = {
    "agent": {**TINY["agent"], "network": {"units": [32]}},
    "training": {**TINY["training"], "checkpoint_every_s": 0.2, "log_every_s": 0.02},
}


def cartpole_settings(**changes) -> RunSettings:
    return run_settings("cartpole", [merge(CARTPOLE, changes)])


def run(path, settings, *, resume=False, listener=None):
    trainer = start_run(settings, path, listener or Quiet(), device="cpu", resume=resume)
    trainer.run()
    return trainer


def newest(path) -> dict:
    return Checkpoints(path / "checkpoints").load_latest()


@pytest.fixture
def quick_saving(monkeypatch):
    """Leave the models out of saved policies, which take longer than all else here."""
    monkeypatch.setattr(Agent, "save_greedy_policy", lambda self, folder: folder.mkdir())
    monkeypatch.setattr(Agent, "tflite_model", lambda self: b"")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 1,200 steps in one go, with checkpoints in between."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    listener = Quiet()
    settings = tiny_settings(
        # What draws random numbers, and what keeps a schedule, has to go on after a resumption.
        agent={"augmentation": {"mirror": True, "shift": 1}},
        training={"env_steps": 1_200, "checkpoint_every_s": 0.1, "reset_every_updates": 60},
    )
    run(path, settings, listener=listener)
    return path, settings, listener


def test_a_run_leaves_every_file_of_its_folder(finished):
    path, settings, _ = finished
    names = {entry.name for entry in path.iterdir()}
    assert names == {
        "config.yaml",
        "metrics.csv",
        "evaluations.csv",
        "events",
        "checkpoints",
        "policy",
        "policy-last",
    }
    config = read_yaml(path / "config.yaml")
    assert {"f1_rl", "python", "tensorflow"} <= set(config.pop("versions"))
    assert build_settings(RunSettings, config) == settings
    assert len(Checkpoints(path / "checkpoints").steps()) == 2
    for name in ("policy", "policy-last"):
        assert load_policy(path / name).task_settings == settings.task


def test_metrics_have_their_columns_and_grow(finished):
    rows = read_rows(finished[0] / "metrics.csv")
    assert list(rows[0]) == METRICS.split(",")
    steps = [int(row["env_step"]) for row in rows]
    assert steps == sorted(steps)
    last = {name: float(value) for name, value in rows[-1].items()}
    assert 1_200 <= last["env_step"] < 1_208
    assert last["update"] > 100
    assert last["episodes"] > 0
    assert last["epsilon"] == pytest.approx(0.05)
    assert all(math.isfinite(value) for value in last.values())
    # Before the first update and the first end of an episode, their cells are empty.
    assert rows[0]["loss"] == "" or int(rows[0]["update"]) > 0


def test_evaluations_have_their_columns_and_times(finished):
    rows = read_rows(finished[0] / "evaluations.csv")
    assert set(EVALUATIONS.split(",")) <= set(rows[0])
    steps = sorted({int(row["env_step"]) for row in rows})
    assert len(rows) == 2 * len(steps)
    assert len(steps) == 4
    for step, due in zip(steps, (300, 600, 900, 1_200), strict=True):
        assert due <= step < due + 8
    assert {row["circuit"] for row in rows} == {"oval"}
    assert {row["completed"] for row in rows} <= {"0", "1"}


def test_the_listener_is_told_what_the_tables_say(finished):
    path, _, listener = finished
    rows = read_rows(path / "metrics.csv")
    assert [progress.env_step for progress in listener.progress] == [
        int(row["env_step"]) for row in rows
    ]
    assert len(listener.evaluations) == 4
    first = listener.evaluations[0]
    assert first[2], "the first evaluation is the best so far"


def test_the_best_policy_is_that_of_the_best_evaluation(finished):
    path, _, listener = finished
    best = max(listener.evaluations, key=lambda told: told[1].score)
    assert load_policy(path / "policy").manifest.training["env_steps"] == best[0].env_step
    assert load_policy(path / "policy").manifest.results["summary"] == best[1].summary
    last = load_policy(path / "policy-last").manifest
    assert last.training["env_steps"] == listener.progress[-1].env_step
    assert last.training["seed"] == 0


def assert_same(ours, theirs, where="checkpoint", leave_out=()):
    """Compare two trees of a checkpoint bit for bit."""
    assert type(ours) is type(theirs), where
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for name in ours.keys() - set(leave_out):
            assert_same(ours[name], theirs[name], f"{where}.{name}", leave_out)
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{where}[{index}]", leave_out)
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(ours, theirs, err_msg=where)
    else:
        assert ours == theirs or str(ours) == str(theirs), where


def deterministic(rows, leave_out=("wall_time_s", "steps_per_s")):
    return [{k: v for k, v in row.items() if k not in leave_out} for row in rows]


@pytest.mark.usefixtures("quick_saving")
def test_a_run_stopped_and_resumed_is_the_run_in_one_go_bit_for_bit(finished, tmp_path):
    whole, settings, _ = finished
    path = tmp_path / "parts"
    trainers = []

    def stop_at_600(progress):
        if progress.env_step < 900:
            trainers[0].request_stop()

    trainer = start_run(settings, path, Quiet(stop_at_600), device="cpu")
    trainers.append(trainer)
    trainer.run()
    assert 300 <= trainer.env_steps < 310
    last = read_manifest(path / "policy-last")
    assert last.training["env_steps"] == trainer.env_steps
    # Of a crash behind the last checkpoint: rows that the resumed run writes again.
    with (path / "evaluations.csv").open("a") as file:
        file.write("5000,1,1.0,oval\n")
    resumed = run(path, settings, resume=True)
    assert resumed.env_steps == newest(whole)["counters"]["env_steps"]
    # Weights, optimiser, replay, cars, every random generator, and the best policy so far.
    assert_same(newest(path), newest(whole), leave_out=("wall_time_s", "lap_time_s"))
    assert deterministic(read_rows(path / "evaluations.csv")) == deterministic(
        read_rows(whole / "evaluations.csv")
    )
    last, whole_last = (read_rows(folder / "metrics.csv")[-1:] for folder in (path, whole))
    assert deterministic(last) == deterministic(whole_last)


def resumed_like_whole(folder, settings):
    """Check that a run in two parts ends as one in one go does, and return its checkpoint."""
    run(folder / "whole", settings)
    trainers = []

    def stop(progress):
        trainers[0].request_stop()

    trainers.append(start_run(settings, folder / "parts", Quiet(stop), device="cpu"))
    trainers[0].run()
    assert trainers[0].env_steps < 310
    run(folder / "parts", settings, resume=True)
    whole = newest(folder / "whole")
    assert_same(newest(folder / "parts"), whole, leave_out=("wall_time_s", "lap_time_s"))
    return whole


@pytest.mark.usefixtures("quick_saving")
def test_guidance_is_resumed_bit_for_bit(tmp_path):
    settings = tiny_settings(
        agent={"advice_weight": 1.0, "augmentation": {"mirror": True}},
        training={"guide_share": 0.5, "guide_steps": 500},
    )
    whole = resumed_like_whole(tmp_path, settings)
    assert len(np.unique(whole["replay"]["advice"])) > 50


@pytest.mark.usefixtures("quick_saving")
def test_a_run_may_go_on_with_a_guide_that_it_did_not_have(finished, tmp_path):
    path = tmp_path / "guided"
    shutil.copytree(finished[0], path)
    changes = {"guide_share": 1.0, "guide_steps": 10_000, "env_steps": 1_400}
    settings = tiny_settings(agent={"advice_weight": 1.0}, training=changes)
    run(path, settings, resume=True)
    assert newest(path)["replay"]["advice"].any()


def test_a_guide_needs_a_circuit(tmp_path):
    settings = cartpole_settings(training={"guide_share": 0.5})
    with pytest.raises(SettingsError, match="CartPole-v1 has no circuit"):
        start_run(settings, tmp_path / "run", Quiet(), device="cpu")


@pytest.mark.usefixtures("quick_saving")
def test_priorities_and_noise_are_resumed_bit_for_bit(tmp_path):
    settings = tiny_settings(
        agent={"network": {"dueling": True, "noisy": True}},
        training={"prioritized_replay": {}, "epsilon_ladder": 2.0},
    )
    whole = resumed_like_whole(tmp_path, settings)
    assert whole["counters"]["env_steps"] >= 600
    # The learner has told the errors of what it drew, whose priorities do not begin at many values.
    assert len(np.unique(whole["replay"]["priorities"])) > 50


@pytest.mark.usefixtures("quick_saving")
def test_a_finished_run_goes_on_with_more_steps_and_other_settings_of_the_agent(finished, tmp_path):
    path = tmp_path / "longer"
    shutil.copytree(finished[0], path)
    changed = {"learning_rate": 3e-4, "final_learning_rate": None}
    run(path, tiny_settings(agent=changed, training={"env_steps": 1_400}), resume=True)
    rows = read_rows(path / "metrics.csv")
    assert int(rows[-1]["env_step"]) >= 1_400
    times = [float(row["wall_time_s"]) for row in rows]
    assert times == sorted(times)
    assert newest(path)["agent"]["learning_rate"] == pytest.approx(3e-4)
    config = read_yaml(path / "config.yaml")
    assert config["training"]["env_steps"] == 1_400
    assert config["agent"]["learning_rate"] == 3e-4


@pytest.mark.usefixtures("quick_saving")
def test_a_run_goes_on_with_more_frequent_evaluations(tmp_path):
    path = tmp_path / "run"
    run(path, tiny_settings(training={"env_steps": 400, "evaluate_every": 10_000}))
    more = {"env_steps": 1_000, "evaluate_every": 200, "evaluate_from": 0}
    listener = Quiet()
    run(path, tiny_settings(training=more), resume=True, listener=listener)
    steps = sorted({int(row["env_step"]) for row in read_rows(path / "evaluations.csv")})
    assert [step // 100 for step in steps] == [4, 6, 8, 10]


@pytest.mark.parametrize(("saved", "expected"), [(10_000, 1_200), (900, 900)])
def test_evaluations_that_were_not_due_before_begin_at_once(finished, tmp_path, saved, expected):
    path = tmp_path / "run"
    shutil.copytree(finished[0], path)
    state = newest(path)
    state["counters"].update(env_steps=1_200, evaluated_at=0, next_evaluation=saved)
    Checkpoints(path / "checkpoints").save(10**6, state)
    settings = tiny_settings(training={"env_steps": 1_400, "evaluate_every": 5})
    trainer = start_run(settings, path, Quiet(), device="cpu", resume=True)
    trainer.close()
    # And not as often as there are periods of five steps.
    assert trainer._counters["next_evaluation"] == expected


def test_a_checkpoint_of_another_network_or_replay_is_refused(finished):
    path, _, _ = finished
    for changes in ({"agent": {"network": {"units": [17]}}}, {"training": {"num_envs": 4}}):
        with pytest.raises(CheckpointError, match="this run's"):
            start_run(tiny_settings(**changes), path, Quiet(), device="cpu", resume=True)


def test_a_checkpoint_of_another_version_is_refused(finished, tmp_path):
    path = tmp_path / "older"
    shutil.copytree(finished[0], path)
    state = newest(path)
    del state["episodes"]
    Checkpoints(path / "checkpoints").save(10**6, state)
    with pytest.raises(CheckpointError, match="lacks 'episodes', so another version wrote it"):
        start_run(tiny_settings(), path, Quiet(), device="cpu", resume=True)


def test_a_used_folder_is_refused_and_left_as_it_is(finished):
    path, settings, _ = finished
    before = sorted(str(entry) for entry in path.rglob("*"))
    with pytest.raises(RunFolderError, match="holds a run already"):
        start_run(settings, path, Quiet(), device="cpu")
    assert sorted(str(entry) for entry in path.rglob("*")) == before


def test_a_run_that_failed_before_saving_can_be_begun_anew_in_its_folder(tmp_path):
    rule = tmp_path / "rules.py"
    rule.write_text("def mine(step):\n    return step.no_such_thing\n")
    settings = tiny_settings(task={"rewards": {f"{rule}:mine": 1.0}})
    with pytest.raises(SettingsError, match="no_such_thing"):
        run(tmp_path / "run", settings)
    trainer = start_run(tiny_settings(), tmp_path / "run", Quiet(), device="cpu")
    trainer.control.stop()
    trainer.run()
    config = read_yaml(tmp_path / "run" / "config.yaml")
    assert f"{rule}:mine" not in config["task"]["rewards"]
    assert list(read_rows(tmp_path / "run" / "metrics.csv")[0]) == METRICS.split(",")


def test_a_folder_is_the_run_s_from_its_start_to_its_end(tmp_path):
    """Also before the first checkpoint, when what is there looks like a dead run's."""
    path = tmp_path / "run"
    first = start_run(tiny_settings(seed=1), path, Quiet(), device="cpu")
    with pytest.raises(RunFolderError, match="another process trains in it"):
        start_run(tiny_settings(seed=2), path, Quiet(), device="cpu")
    assert read_yaml(path / "config.yaml")["seed"] == 1
    first.close()
    second = start_run(tiny_settings(seed=2), path, Quiet(), device="cpu")
    assert read_yaml(path / "config.yaml")["seed"] == 2
    second.control.stop()
    second.run()
    start_run(tiny_settings(seed=2), path, Quiet(), device="cpu", resume=True).close()


def test_resuming_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        start_run(tiny_settings(), tmp_path, Quiet(), device="cpu", resume=True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"training": {"replay_capacity": 20}}, "replay_capacity: 20 transitions are too few"),
        ({"task": {"observation": {"columns": 60}}}, "60 equal columns"),
        ({"agent": {"network": {"kernels": [[30, 3]]}}}, "a kernel of 30 x 3 is larger"),
    ],
)
def test_settings_that_cannot_be_made_leave_no_folder(tmp_path, changes, reason):
    path = tmp_path / "run"
    with pytest.raises(SettingsError, match=reason):
        start_run(tiny_settings(**changes), path, Quiet(), device="cpu")
    assert not path.exists()


@pytest.mark.usefixtures("quick_saving")
def test_a_run_shorter_than_an_evaluation_period_has_a_best_policy(tmp_path):
    listener = Quiet()
    run(tmp_path / "short", tiny_settings(training={"env_steps": 120}), listener=listener)
    assert len(listener.evaluations) == 1
    assert read_manifest(tmp_path / "short" / "policy").training["env_steps"] >= 120


@pytest.mark.usefixtures("quick_saving")
@pytest.mark.parametrize(("period", "resets"), [(25, [26, 50, 76]), (0, [])])
def test_dense_layers_are_reset_when_that_many_updates_have_been_made(
    tmp_path, monkeypatch, period, resets
):
    seen = []
    monkeypatch.setattr(Agent, "reset_dense_layers", lambda agent: seen.append(agent.updates))
    training = {"env_steps": 400, "updates_per_call": 2, "evaluate_every": 1_000}
    run(tmp_path / "run", tiny_settings(training={**training, "reset_every_updates": period}))
    assert seen == resets


@pytest.mark.usefixtures("quick_saving")
def test_every_batch_that_is_learned_from_is_augmented(tmp_path, monkeypatch):
    drawn, learned = [], []
    sample, train = Replay.sample, Agent.train

    def noted_sample(replay, *arguments):
        drawn.append(sample(replay, *arguments))
        return drawn[-1]

    def noted_train(agent, batch):
        learned.append(batch)
        return train(agent, batch)

    monkeypatch.setattr(Replay, "sample", noted_sample)
    monkeypatch.setattr(Agent, "train", noted_train)
    settings = tiny_settings(agent={"augmentation": {"mirror": True}}, training={"env_steps": 200})
    run(tmp_path / "run", settings)
    # Of the table `simple`: straight, left, right.
    exchanged = np.array([0, 2, 1])
    assert len(learned) == len(drawn) > 5
    for before, after in zip(drawn, learned, strict=True):
        np.testing.assert_array_equal(after.actions[:, ::2], exchanged[before.actions[:, ::2]])
        np.testing.assert_array_equal(
            after.observations[0][:, ::2], before.observations[0][:, ::2, :, :, ::-1]
        )


@pytest.mark.usefixtures("quick_saving")
def test_the_preset_for_dear_samples_drives_full_laps_within_a_thousand_steps(tmp_path):
    settings = run_settings(
        "gazebo", [{"env": CAMERA_ID, "training": {"env_steps": 1_000, "stop_when_solved": True}}]
    )
    trainer = run(tmp_path / "run", settings)
    assert trainer.solved_at is not None


@pytest.mark.usefixtures("quick_saving")
def test_a_request_to_stop_ends_the_run_after_the_step_with_everything_saved(tmp_path):
    path = tmp_path / "stopped"
    trainer = start_run(tiny_settings(), path, Quiet(), device="cpu")
    trainer.request_stop()
    trainer.run()
    assert trainer.env_steps == 0
    assert Checkpoints(path / "checkpoints").steps() == [0]
    assert (path / "policy-last" / "policy.yaml").is_file()


@pytest.mark.usefixtures("quick_saving")
def test_a_run_ends_when_every_episode_succeeds(tmp_path, monkeypatch):
    from f1_rl.learning import evaluation

    monkeypatch.setattr(evaluation.Evaluation, "solved", property(lambda self: True))
    trainer = run(tmp_path / "solved", tiny_settings(training={"stop_when_solved": True}))
    assert trainer.solved_at is not None
    assert 300 <= trainer.env_steps < 310


@pytest.mark.usefixtures("quick_saving")
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    from f1_rl.driving.environment import F1CameraVectorEnv

    path = tmp_path / "diverging"
    settings = tiny_settings(training={"checkpoint_every_s": 1e-6})
    step = F1CameraVectorEnv.step

    def poisoned(self, actions):
        observations, rewards, *rest = step(self, actions)
        return (observations, rewards * (np.nan if trainer.env_steps > 200 else 1.0), *rest)

    monkeypatch.setattr(F1CameraVectorEnv, "step", poisoned)
    trainer = start_run(settings, path, Quiet(), device="cpu")
    with pytest.raises(DivergedError):
        trainer.run()
    weights = newest(path)["agent"]["variables"]
    assert all(np.isfinite(value).all() for value in weights)


def test_episodes_are_counted_without_the_resets(finished):
    state = newest(finished[0])
    replay = state["replay"]
    # Where an episode has ended, the next slot is its last observation.
    ends = int(replay["final"].sum()) - int(state["episodes"]["resetting"].sum())
    resets = ends
    counters = state["counters"]
    assert state["episodes"]["finished"] == int(replay["final"].sum())
    assert counters["env_steps"] == counters["vector_steps"] * 8 - resets
    lengths = [length for _, length in state["episodes"]["recent"]]
    assert max(lengths) <= 160


def test_cartpole_goes_through_the_same_loop_and_is_resumed(tmp_path):
    path = tmp_path / "cartpole"
    listener = Quiet()
    run(path, cartpole_settings(), listener=listener)
    rows = read_rows(path / "evaluations.csv")
    assert list(rows[0]) == [
        "env_step",
        "update",
        "wall_time_s",
        "episode",
        "episode_return",
        "steps",
    ]
    policy = load_environment_policy(path)
    assert (policy.manifest.env, policy.manifest.env_options) == ("CartPole-v1", {})
    assert policy.q_values([np.zeros((3, 4), np.float32)]).shape == (3, 2)
    assert newest(path)["envs"] is None
    longer = run(path, cartpole_settings(training={"env_steps": 900}), resume=True)
    assert 900 <= longer.env_steps < 908
    assert len(read_rows(path / "evaluations.csv")) == 6


@pytest.mark.usefixtures("quick_saving")
def test_cut_episodes_of_other_environments_bootstrap(tmp_path):
    """MountainCar is cut after 200 steps and never reaches its flag in a run of random actions."""
    settings = run_settings(
        "gymnasium",
        [
            CARTPOLE,
            {
                "env": "MountainCar-v0",
                "agent": {"n_step": 3, "gamma": 0.9},
                "training": {"env_steps": 2_000, "evaluation_episodes": 1, "evaluate_every": 2_000},
            },
        ],
    )
    path = tmp_path / "mountaincar"
    run(path, settings)
    state = newest(path)
    assert state["episodes"]["finished"] >= 8
    assert {length for _, length in state["episodes"]["recent"]} == {200}
    assert not state["replay"]["terminated"].any()
    assert int(state["replay"]["final"].sum()) == state["episodes"]["finished"]


def test_the_configuration_is_plain_yaml(finished):
    config = yaml.safe_load((finished[0] / "config.yaml").read_text())
    assert config["task"]["circuits"] == ["oval"]
    assert config["training"]["env_steps"] == 1_200
