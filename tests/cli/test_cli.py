"""The console script: help, circuits, doctor, and errors told in one sentence."""

import json

import cv2
import numpy as np
import pytest
from cli_helpers import Told, python, tell

import f1_rl
from f1_rl.circuits import circuit_names, load_circuit, read_circuit_csv
from f1_rl.cli.main import VERBS


def check_refusal(told: Told, reason: str) -> None:
    """One sentence on the error stream, nothing else, and a code other than success."""
    assert told.code == 1
    assert told.out == ""
    lines = told.err.strip().splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("f1-rl: ")
    assert lines[0].endswith(".")
    assert reason in lines[0]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help(verb):
    told = tell(verb, "--help")
    assert told.code == 0
    assert f"f1-rl {verb}" in told.out
    assert told.err == ""


def test_the_help_names_every_verb():
    told = tell("--help")
    assert told.code == 0
    assert all(verb in told.out for verb in VERBS)


def test_the_version_is_that_of_the_package():
    assert tell("--version").out.strip() == f"f1_rl {f1_rl.__version__}"


def test_help_needs_neither_tensorflow_nor_matplotlib():
    statement = (
        "import json, sys\n"
        "from f1_rl.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    modules = set(json.loads(python(statement).splitlines()[-1]))
    assert "f1_rl" in modules
    assert not modules & {"tensorflow", "tf_agents", "tf_keras", "keras", "matplotlib", "av", "gym"}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("circuit",),
        ("evaluate",),
        ("train", "--steps", "many"),
        ("train", "--device", "tpu"),
        ("evaluate", "run", "--starts", "0"),
        ("evaluate", "run", "--laps", "-1"),
        ("evaluate", "run", "--seed", "-1"),
        ("drive", "run", "--laps", "0"),
        ("circuit", "render", "oval", "x.png", "--from-car", "nan"),
        ("circuit", "render", "oval", "x.png", "--from-car", "inf"),
        ("circuit", "render", "oval", "x.png", "--from-car", "far"),
        ("circuit", "render", "oval"),
        ("circuit", "world", "oval", "--car", "hover"),
        ("circuit", "world", "oval", "--engine", "vulkan"),
    ],
)
def test_wrong_usage_is_refused_with_the_usage(arguments):
    told = tell(*arguments)
    assert told.code == 2
    assert "usage: f1-rl" in told.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "--preset", "lapp"), "no preset 'lapp'; choose from"),
        (("train", "--preset", "none.yaml"), "none.yaml: cannot be read"),
        (("train", "--set", "agent.gama=0.9"), "no setting 'agent.gama'"),
        (("train", "--set", "task.camera.hight=9"), "no setting 'task.camera.hight'"),
        (("train", "--set", "agent.gamma=2"), "agent.gamma is 2; give a number of at most 1"),
        (("train", "--set", "agent.gamma=high"), "agent.gamma is 'high'; give a number"),
        (("train", "--set", "agent.gamma"), "write it as name=value"),
        (("train", "--set", "a=[1"), "not valid YAML"),
        (("train", "--set", "task.rewards.progress=.nan"), "give a number that is finite"),
        (("train", "--set", "task.circuits=oval"), "give a list, as [oval]"),
        (("train", "--set", "training.num_envs=1000000"), "give a whole number of at most 10000"),
        (("train", "--run-dir", __file__), "is a file; choose another --run-dir"),
        (("train", "--steps", "0"), "env_steps and offline_updates are both 0"),
        (("train", "--offline"), "give bags with --demonstrations"),
        (("train", "--offline", "--steps", "100"), "--steps: there are none with --offline"),
        (("train", "--env", "CartPole-v1", "--demonstrations", "bag"), "for CartPole-v1"),
        (("train", "--env", "CartPole-v1", "--circuit", "oval"), "--circuit: is of the driving"),
        (("train", "--env", "CartPole-v1", "--scale", "0.5"), "--scale: is of the driving task"),
        (("train", "--preset", "cartpole", "--traffic", "boxes"), "--traffic: is of the driving"),
        (
            ("train", "--preset", "cartpole", "--set", "task.line_width_m=0"),
            "--set task: is of the driving task, and this run is to learn CartPole-v1",
        ),
        (("drive", "run", "--no-video", "--video", "x.mp4"), "there is a --video, too"),
        (("train", "--resume", "run", "--offline"), "--offline cannot be changed"),
        (("train", "--resume", "run", "--demonstrations", "bag"), "--demonstrations cannot be"),
        (("train", "--seed", "-1"), "seed is -1; give a whole number of at least 0"),
        (("train", "--scale", "0"), "task.circuit_scale is 0.0; give a number above 0"),
        (("train", "--resume", "no/such/run"), "no/such/run: is no run folder"),
        (("evaluate", "no/such/run"), "is no policy folder (it does not exist)"),
        (("train", "--traffic", "mxied"), "--traffic: Traffic 'mxied' is unknown (did you mean"),
        (("circuit", "world", "oval", "--traffic", "mxied"), "--traffic: Traffic 'mxied' is"),
        (("train", "--resume", "run", "--traffic", "mixed"), "--traffic cannot be changed"),
        (("evaluate", "no/such/run", "--last"), "holds no policy-last"),
        (("drive", "no/such/run"), "is no policy folder"),
        (("report", "no/such/run"), "no/such/run"),
        (("determinism", "--circuit", "oval", "--circuit", "simple"), "asks for 2 circuits"),
        (("determinism", "--circuit", "random-0:3"), "asks for 3 circuits"),
        (("circuit", "export", "ovall", "out.csv"), "did you mean 'oval'?"),
        (("circuit", "export", "random-x", "out.csv"), "names no random circuit"),
        (("circuit", "export", "oval", "no/such/out.csv"), "no/such/out.csv"),
        (("circuit", "export", "oval", "out.csv", "--scale", "0"), "scale"),
        (("circuit", "render", "oval", "no/such/out.png"), "no/such/out.png"),
        (("circuit", "render", "none.csv", "out.png"), "none.csv"),
        (("circuit", "import", "none.csv", "out.csv"), "none.csv"),
        (("circuit", "world", "ovall"), "did you mean 'oval'?"),
        (("circuit", "world", "oval", "--width", "0"), "circuit world: camera: Camera width 0"),
        (("circuit", "world", "oval", "--real-time-factor", "-1"), "real_time_factor"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_refusal(tell(*arguments), reason)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_circuit_is_told_in_one_sentence(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("# x_m,y_m,w_tr_right_m,w_tr_left_m\n1,2,x,1\n")
    check_refusal(tell("circuit", "import", path, tmp_path / "out.csv"), "mine.csv")


@pytest.mark.parametrize("arguments", [("import", "mine.csv"), ("export", "oval")])
def test_a_circuit_drawn_by_hand_is_not_replaced(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert tell("circuit", "export", "oval", "mine.csv").code == 0
    mine = (tmp_path / "mine.csv").read_text().replace("# ", "# by hand ")
    (tmp_path / "mine.csv").write_text(mine)
    check_refusal(tell("circuit", *arguments, "mine.csv"), "mine.csv: exists already; choose")
    assert (tmp_path / "mine.csv").read_text() == mine


def test_a_run_folder_that_is_used_is_refused_before_tensorflow_loads(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    statement = (
        "import sys\n"
        "from f1_rl.cli.main import main\n"
        "print(main(['train', '--run-dir', sys.argv[1]]), 'tensorflow' in sys.modules)"
    )
    assert python(statement, [str(tmp_path)]).split() == ["1", "False"]
    check_refusal(tell("train", "--run-dir", tmp_path), "holds a run already")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--env", "CartPole-v1"),
        ("--preset", "embedded"),
        ("--circuit", "oval"),
        ("--scale", "2"),
        ("--run-dir", "other"),
        ("--seed", "3"),
    ],
)
def test_what_a_resumed_run_cannot_change_is_refused(option, value, tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    told = tell("train", "--resume", tmp_path, option, value)
    check_refusal(told, f"{option} cannot be changed in a run that is resumed")


def test_settings_of_the_task_cannot_be_changed_in_a_resumed_run(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    told = tell("train", "--resume", tmp_path, "--set", "task.actions=nine")
    check_refusal(told, "setting task cannot be changed in a run that is resumed")
    told = tell("train", "--resume", tmp_path, "--set", "agent.gamma=7")
    check_refusal(told, "agent.gamma is 7; give a number of at most 1")


def test_a_damaged_configuration_is_told_in_one_sentence(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: [1\n")
    check_refusal(tell("train", "--resume", tmp_path), "not valid YAML")


def test_circuits_are_listed_for_people_and_for_programs():
    told = tell("circuit", "list")
    assert told.code == 0
    assert all(name in told.out for name in circuit_names())
    rows = json.loads(tell("circuit", "list", "--json").out)
    assert tuple(row["name"] for row in rows) == circuit_names()
    oval = load_circuit("oval")
    (row,) = [row for row in rows if row["name"] == "oval"]
    assert row["length_m"] == pytest.approx(oval.length_m, abs=0.06)
    assert row["tightest_radius_m"] == pytest.approx(oval.min_radius_m, abs=0.006)


def test_an_imported_circuit_becomes_a_world_for_gazebo(tmp_path):
    source, out = tmp_path / "mine.csv", tmp_path / "gazebo"
    assert tell("circuit", "export", "oval", source).code == 0
    training = ("--car", "ackermann", "--real-time-factor", "0", "--no-gui", "--width", "160")
    told = tell("circuit", "world", source, "--out", out, *training)
    assert told.code == 0
    assert f"GZ_SIM_RESOURCE_PATH={out / 'models'} gz sim {out / 'worlds' / 'mine.sdf'}" in told.out
    world = (out / "worlds" / "mine.sdf").read_text("utf-8")
    assert "<real_time_factor>0</real_time_factor>" in world
    assert "SceneBroadcaster" not in world
    assert (out / "models" / "circuit_mine" / "meshes" / "road.obj").is_file()
    assert "<width>160</width>" in (out / "models" / "f1_ackermann" / "model.sdf").read_text(
        "utf-8"
    )


def test_an_exported_circuit_can_be_imported_and_drawn(tmp_path):
    exported, imported = tmp_path / "oval.csv", tmp_path / "again.csv"
    told = tell("circuit", "export", "oval", exported, "--scale", "0.5")
    assert told.code == 0
    assert str(exported) in told.out
    half = load_circuit("oval").length_m / 2
    assert read_circuit_csv(exported).length_m == pytest.approx(half, rel=1e-3)
    assert tell("circuit", "import", exported, imported).code == 0
    assert read_circuit_csv(imported).length_m == pytest.approx(half, rel=1e-3)
    for arguments in ((), ("--from-car", "3.0")):
        picture = tmp_path / f"picture{len(arguments)}.png"
        assert tell("circuit", "render", imported, picture, *arguments).code == 0
        assert cv2.imread(str(picture)).std() > 5.0


def test_a_file_with_a_turn_too_tight_is_imported_narrower(tmp_path):
    angle = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False)
    rows = np.column_stack(
        [20.0 * np.cos(angle), 5.0 * np.sin(angle), angle * 0 + 2, angle * 0 + 2]
    )
    source, output = tmp_path / "pinched.csv", tmp_path / "wide.csv"
    np.savetxt(source, rows, delimiter=",")
    check_refusal(tell("circuit", "import", source, output), "import --narrow")
    assert tell("circuit", "import", source, output, "--narrow").code == 0
    assert read_circuit_csv(output).width_left_m.min() < 1.25


def test_what_was_imported_narrower_can_be_read_again_where_it_is_tiny(tmp_path):
    angle = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False)
    rows = np.column_stack([4.0 * np.cos(angle), np.sin(angle), angle * 0 + 0.5, angle * 0 + 0.5])
    source, output = tmp_path / "pinched.csv", tmp_path / "wide.csv"
    np.savetxt(source, rows, delimiter=",")
    assert tell("circuit", "import", source, output, "--narrow").code == 0
    assert read_circuit_csv(output).min_radius_m == pytest.approx(0.21, abs=0.01)
    # With a road that is just narrow enough as it comes, but not as it would be read again.
    rows[:, 2:] = 0.22
    np.savetxt(source, rows, delimiter=",")
    assert read_circuit_csv(source).min_radius_m > 0.22
    check_refusal(tell("circuit", "import", source, tmp_path / "none.csv"), "import --narrow")
    assert not (tmp_path / "none.csv").exists()


def test_a_picture_is_not_drawn_over_a_circuit(tmp_path):
    circuit = tmp_path / "mine.csv"
    assert tell("circuit", "export", "oval", circuit).code == 0
    before = circuit.read_bytes()
    check_refusal(tell("circuit", "render", circuit, circuit), "mine.csv: is the name of a circuit")
    assert circuit.read_bytes() == before


def test_a_picture_may_have_any_name(tmp_path):
    assert tell("circuit", "render", "oval", tmp_path / "picture").code == 0
    data = np.frombuffer((tmp_path / "picture").read_bytes(), np.uint8)
    assert cv2.imdecode(data, cv2.IMREAD_COLOR) is not None
