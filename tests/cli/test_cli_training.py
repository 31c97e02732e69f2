"""What `f1-rl train` learns and leaves, and what the other verbs make of it."""

import csv
import json
import re
import shutil

import pytest
import yaml
from cli_helpers import SMALL_PRESET, tell
from recorded_drives import CAMERA, task_settings, write_bag
from recorded_drives import drive as record_drive

pytestmark = pytest.mark.tensorflow

RUN_FILES = {
    "config.yaml",
    "metrics.csv",
    "evaluations.csv",
    "lap.csv",
    "lap.mp4",
    "report.html",
    "events",
    "checkpoints",
    "policy",
    "policy-last",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The default preset, told to stop as soon as all starts give full laps."""
    run = tmp_path_factory.mktemp("runs") / "lap"
    told = tell(
        *("train", "--run-dir", run, "--seed", "1", "--steps", "8000", "--device", "cpu"),
        *("--set", "training.stop_when_solved=true", "--json"),
    )
    return run, told


def test_the_default_preset_learns_full_laps_from_all_starts(trained):
    run, told = trained
    assert told.code == 0, told.err
    result = json.loads(told.out)
    assert result["run_dir"] == str(run)
    assert result["interrupted"] is False
    assert result["solved"] is not None
    assert result["solved"]["env_step"] <= 8_000
    assert result["lap"]["completed"] == 1
    assert result["lap"]["off_track"] == 0


def test_a_run_leaves_every_file_of_its_folder(trained):
    run, _ = trained
    assert {path.name for path in run.iterdir()} == RUN_FILES
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert (config["seed"], config["training"]["env_steps"]) == (1, 8_000)
    assert config["training"]["stop_when_solved"] is True
    with (run / "lap.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 50
    assert {"time_s", "lateral_error_m", "action", "q_0"} <= set(rows[0])


def test_evaluate_drives_the_laps_again(trained, tmp_path):
    run, _ = trained
    told = tell("evaluate", run, "--json", "--csv", tmp_path / "drives.csv", "--classical")
    drives = json.loads(told.out)["drives"]
    assert told.code == 0
    assert [drive["driver"] for drive in drives] == ["policy"] * 8 + ["classical"] * 8
    assert all(drive["completed"] == 1 for drive in drives[:8])
    with (tmp_path / "drives.csv").open() as file:
        assert [row["completed"] for row in csv.DictReader(file)][:8] == ["1"] * 8
    # The same greedy drives as in the evaluation that ended training.
    with (run / "evaluations.csv").open() as file:
        last = list(csv.DictReader(file))[-8:]
    for drive, row in zip(drives, last, strict=False):
        assert drive["lap_time_s"] == pytest.approx(float(row["lap_time_s"]), abs=0.2)


def test_evaluate_prints_a_table_a_circuit(trained):
    told = tell("evaluate", trained[0], "--starts", "2")
    assert told.code == 0
    assert "2 of 2" in told.out
    assert "simple" in told.out


def test_evaluate_fails_where_a_lap_is_not_completed(trained):
    """Half as wide and as tight, the circuit cannot be driven at the speeds of the actions."""
    told = tell("evaluate", trained[0], "--scale", "0.3", "--starts", "2", "--json")
    assert told.code == 1
    drives = json.loads(told.out)["drives"]
    assert [drive["completed"] for drive in drives] == [0, 0]
    assert drives[0]["lap_time_s"] is None
    assert told.err == ""


def test_evaluate_drives_in_every_traffic_that_is_asked_for(trained, tmp_path):
    run, _ = trained
    asked = ("--traffic", "boxes", "--traffic", "none", "--starts", "2", "--json")
    told = json.loads(tell("evaluate", run, *asked).out)
    crowded, empty = told["totals"]
    assert (crowded["driver"], crowded["traffic"]) == ("policy, boxes", "boxes")
    assert (empty["driver"], empty["traffic"], empty["collisions"]) == ("policy, none", "none", 0)
    # It follows the line, and never saw a box.
    assert crowded["collisions"] == crowded["drives"] - crowded["completed"] > 0
    assert {drive["ending"] for drive in told["drives"][:2]} <= {"collision", "laps"}
    refused = tell("evaluate", run, "--traffic", "rush_hour")
    assert refused.code == 1
    assert "--traffic: Traffic 'rush_hour' is unknown: choose one of none, boxes" in refused.err


def test_evaluate_drives_both_directions_and_several_laps(trained):
    told = tell(
        "evaluate", trained[0], "--both-directions", "--starts", "2", "--laps", "2", "--json"
    )
    drives = json.loads(told.out)["drives"]
    assert [drive["direction"] for drive in drives] == [1, -1]
    assert max(drive["laps"] for drive in drives) <= 2


def test_several_policies_are_put_into_one_table(trained, tmp_path):
    run, _ = trained
    table = tmp_path / "table.md"
    told = tell(
        *("evaluate", run, run / "policy-last", "--circuit", "oval", "--circuit", "simple"),
        *("--starts", "2", "--repeat", "2", "--classical", "--markdown", table, "--json"),
    )
    result = json.loads(told.out)
    names = ["lap", "lap, last", "classical"]
    assert [score["driver"] for score in result["totals"]] == names
    assert [(s["driver"], s["circuits"]) for s in result["scores"]] == [
        (name, [circuit]) for name in names for circuit in ("oval", "simple")
    ]
    assert all(total["drives"] == 8 for total in result["totals"])
    starts = {
        (drive["repeat"], round(drive["start_arc_length_m"], 3))
        for drive in result["drives"]
        if drive["driver"] == "lap" and drive["circuit"] == "oval"
    }
    assert len(starts) == 4
    assert len({start for _, start in starts}) == 4
    assert table.read_text().count("| lap, last |") == 3


def test_a_policy_that_is_named_twice_is_refused(trained):
    told = tell("evaluate", trained[0], trained[0] / "policy")
    assert told.code == 1
    assert "is given twice; name each policy once" in told.err


def test_the_last_policy_is_driven_when_asked(trained):
    assert tell("evaluate", trained[0], "--last", "--starts", "1", "--json").out


def test_a_table_learns_full_laps_and_is_drawn_in_the_report(tmp_path):
    run = tmp_path / "run"
    told = tell(
        *("train", "--preset", "tabular", "--run-dir", run, "--seed", "1", "--json"),
        *("--set", "training.stop_when_solved=true"),
    )
    assert told.code == 0, told.err
    result = json.loads(told.out)
    assert result["solved"]["env_step"] <= 8_000
    assert result["lap"]["completed"] == 1
    with (run / "policy" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 64
    assert list(rows[0]) == ["row_0", "row_1", *(f"q_{i}" for i in range(7))]
    assert "The learned table" in (run / "report.html").read_text()
    drives = json.loads(tell("evaluate", run, "--json").out)["drives"]
    assert [drive["completed"] for drive in drives] == [1] * 8


def test_a_table_is_not_learned_on_a_gpu(tmp_path):
    told = tell("train", "--preset", "tabular", "--device", "gpu", "--run-dir", tmp_path / "run")
    assert told.code != 0
    assert "a table is learned on the CPU; leave out --device gpu." in told.err
    assert not (tmp_path / "run").exists()


def test_drive_writes_a_video_and_a_trace(trained, tmp_path):
    video, trace = tmp_path / "lap.mp4", tmp_path / "lap.csv"
    told = tell("drive", trained[0], "--video", video, "--trace", trace)
    assert told.code == 0
    assert re.search(r"simple: 1 lap, best \d\d\.\d\d s \(1\.\d\d of the limit\)", told.out)
    assert video.stat().st_size > 10_000
    with trace.open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["time_s"]) == pytest.approx(0.05 * len(rows))


def test_drive_goes_without_a_video_and_speaks_json(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = tell("drive", trained[0], "--no-video", "--json", "--laps", "2")
    result = json.loads(told.out)
    assert (told.code == 0) == bool(result["completed"])
    assert 20.0 < result["limit_s"] < result["lap_time_s"]
    assert result["video"] is None
    assert list(tmp_path.iterdir()) == []


def test_drive_says_how_far_it_came_where_it_fails(trained):
    told = tell("drive", trained[0], "--scale", "0.3", "--no-video")
    assert told.code == 1
    assert "ended after" in told.out


def test_an_unknown_circuit_is_told_in_one_sentence(trained):
    for verb in ("evaluate", "drive"):
        told = tell(verb, trained[0], "--circuit", "ovall")
        assert told.code == 1
        assert told.err.startswith("f1-rl: There is no circuit 'ovall' (did you mean 'oval'?)")
        assert told.err.count("\n") == 1


def test_folders_that_cannot_be_written_are_told_in_one_sentence(trained):
    told = tell("drive", trained[0], "--no-video", "--trace", "no/such/lap.csv")
    assert told.code == 1
    assert told.err == "f1-rl: no/such: No such file or directory; check the path.\n"
    told = tell("evaluate", trained[0], "--starts", "1", "--csv", "no/such/drives.csv")
    assert told.code == 1
    assert told.err == "f1-rl: no/such: No such file or directory; check the path.\n"


def test_report_is_written_anew(trained):
    run, _ = trained
    report = run / "report.html"
    before = report.read_text()
    report.unlink()
    told = tell("report", run)
    assert told.code == 0
    assert told.out.strip() == str(report)
    assert len(report.read_text()) == pytest.approx(len(before), rel=0.1)


def test_report_can_drive_the_lap_first(trained, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "copy")
    for name in ("report.html", "lap.csv", "lap.mp4"):
        (run / name).unlink()
    assert tell("report", run, "--lap").code == 0
    assert {path.name for path in run.iterdir()} == RUN_FILES


def test_a_run_that_has_done_its_steps_says_so_when_resumed(trained, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "copy")
    with (run / "metrics.csv").open() as file:
        done = max(int(row["env_step"]) for row in csv.DictReader(file))
    told = tell("train", "--resume", run, "--no-report", "--steps", done)
    assert told.code == 0, told.err
    assert f"Nothing is left to learn: the run has done {done:,} of {done:,} steps" in told.out


def test_a_run_goes_on_choosing_its_best_policy_as_it_began(trained):
    told = tell("train", "--resume", trained[0], "--set", "training.best_by=lap_time")
    assert told.code == 1
    assert "training.best_by cannot be changed in a run that is resumed" in told.err


def test_a_used_run_folder_is_refused(trained):
    told = tell("train", "--run-dir", trained[0])
    assert told.code == 1
    assert "holds a run already; continue it with --resume" in told.err


def test_a_run_shorter_than_an_evaluation_period_is_finished_too(tmp_path):
    preset, run = tmp_path / "small.yaml", tmp_path / "run"
    preset.write_text(SMALL_PRESET)
    told = tell("train", "--preset", preset, "--run-dir", run, "--steps", "120")
    assert told.code == 0, told.err
    assert {path.name for path in run.iterdir()} == RUN_FILES
    assert "drive on with it: f1-rl drive" in told.out
    assert f"{run}/report.html" in told.out.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--set", "training.replay_capacity=9"), "replay_capacity: 9 transitions are too few"),
        (("--set", "task.observation.columns=60"), "60 equal columns"),
        (("--set", "task.observation.rows=400"), "fewer than 400 different rows"),
        (("--set", "agent.network.kernels=[[30, 3]]"), "a kernel of 30 x 3 is larger"),
        (("--set", "task.rewards={fun: 1}"), "no reward rule 'fun'"),
        (("--set", "task.actions=racer"), "no action table 'racer'"),
        (("--circuit", "ovall"), "did you mean 'oval'?"),
        (("--circuit", "random-5:2"), "choose a range of 1 to"),
        (("--env", "NoSuch-v0"), "env NoSuch-v0"),
        (("--env", "Pendulum-v1"), "DQN needs discrete actions"),
        (("--env", "FrozenLake-v1"), "cannot be learned from; use a Box"),
        (("--set", "training.learning_starts=2000"), "nothing is learned in a run of 2000 steps"),
        (("--device", "gpu"), "no GPU is visible to TensorFlow"),
    ],
)
def test_runs_that_cannot_begin_say_so_in_one_sentence_and_leave_no_folder(
    arguments, reason, tmp_path
):
    from f1_rl.learning.device import import_tensorflow

    if "gpu" in arguments and import_tensorflow().config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    preset, run = tmp_path / "small.yaml", tmp_path / "run"
    preset.write_text(SMALL_PRESET)
    base = () if "--env" in arguments else ("--preset", preset)
    told = tell("train", *base, "--run-dir", run, "--steps", "2000", "--json", *arguments)
    assert told.code == 1
    error = json.loads(told.out)["error"]
    assert reason in error
    assert "\n" not in error
    assert told.err == ""
    assert not run.exists()


@pytest.fixture(scope="module")
def balancing(tmp_path_factory):
    """A run of some steps that did not drive."""
    run = tmp_path_factory.mktemp("other") / "cartpole"
    told = tell("train", "--env", "CartPole-v1", "--steps", "300", "--run-dir", run, "--json")
    assert told.code == 0, told.err
    assert "lap" not in json.loads(told.out)
    return run


def test_a_policy_of_another_environment_plays_unseen_episodes(balancing, tmp_path):
    table = tmp_path / "episodes.csv"
    asked = ("evaluate", balancing, "--episodes", "12", "--seed", "100", "--csv", table)
    told = tell(*asked, "--json")
    document = json.loads(told.out)
    assert document["env"] == "CartPole-v1"
    returns = [episode["episode_return"] for episode in document["episodes"]]
    assert [episode["seed"] for episode in document["episodes"]] == list(range(100, 112))
    summary = document["summary"]
    assert summary["episodes"] == 12
    assert summary["mean"] == pytest.approx(sum(returns) / 12)
    assert summary["least"] == min(returns)
    assert summary["most"] == max(returns)
    low, high = (summary["interquartile_mean"][bound] for bound in ("low", "high"))
    assert low <= summary["interquartile_mean"]["value"] <= high
    assert summary["threshold"] == 475
    assert told.code == (0 if summary["mean"] >= 475 else 1)
    with table.open(encoding="utf-8") as file:
        assert [float(row["episode_return"]) for row in csv.DictReader(file)] == returns
    again = tell(*asked)
    assert "seeds 100 to 111" in again.out
    assert f"{summary['mean']:.1f}" in again.out


def test_policies_of_other_environments_are_put_into_one_table(balancing, trained, tmp_path):
    other = shutil.copytree(balancing, tmp_path / "other")
    told = tell("evaluate", balancing, other, "--episodes", "2", "--json")
    policies = json.loads(told.out)["policies"]
    assert [policy["policy"] for policy in policies] == [balancing.name, "other"]
    assert policies[0]["episodes"] == policies[1]["episodes"]
    told = tell("evaluate", balancing, trained[0])
    assert told.code == 1
    assert "one drives and the other plays episodes" in told.err


def test_a_policy_of_another_environment_does_not_drive(balancing):
    told = tell("drive", balancing)
    assert told.code == 1
    assert "was trained for CartPole-v1, not to drive" in told.err
    assert told.err.count("\n") == 1
    assert tell("report", balancing).code == 0


@pytest.mark.parametrize("option", [("--starts", "2"), ("--classical",), ("--circuit", "oval")])
def test_what_is_for_driving_is_refused_for_another_environment(balancing, option):
    told = tell("evaluate", balancing, *option)
    assert told.code == 1
    assert f"{option[0]}:" in told.err
    assert "was trained for an environment" in told.err


def test_what_is_for_another_environment_is_refused_for_driving(trained):
    told = tell("evaluate", trained[0], "--episodes", "3")
    assert told.code == 1
    assert "--episodes:" in told.err
    assert "was trained to drive" in told.err


def test_recorded_drives_are_learned_from_alone_and_accounted_for(tmp_path):
    bag = write_bag(tmp_path / "bag", record_drive(task_settings(), 10.0))
    told = tell(
        *("train", "--demonstrations", bag, "--offline", "--circuit", "oval", "--device", "cpu"),
        *("--set", f"task.camera={json.dumps(CAMERA)}", "--set", "training.offline_updates=20"),
        *("--set", "training.offline_evaluate_every=10", "--run-dir", tmp_path / "run"),
    )
    assert told.code == 0, told.err
    assert f"{bag}: " in told.out
    assert "transitions in" in told.out
    assert "update 24" in told.out
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["demonstrations"]["bags"] == [str(bag)]
    assert config["training"]["env_steps"] == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "from recorded drives (deep Q-learning, double DQN)" in page
