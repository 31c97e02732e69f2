"""How the console script fails: as JSON for programs, with the near name, with its traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import ROOT, command, tell

from f1_rl.cli import completion
from f1_rl.cli.main import VERBS
from f1_rl.cli.unexpected import note_unexpected
from f1_rl.learning.run_folder import RunFolder
from f1_rl.learning.runs import RunSettings

# What each verb cannot do, and what it says of that; `circuit` for each of its actions.
REFUSED = {
    "train": (("train", "--preset", "lapp"), "no preset 'lapp'"),
    "evaluate": (("evaluate", "no/run"), "no/run"),
    "drive": (("drive", "no/run"), "no/run"),
    "report": (("report", "no/run"), "no/run"),
    "record": (("record", "speed:=1"), "no argument 'speed'"),
    "replay": (("replay", "no/bag"), "--policy"),
    "calibrate": (("calibrate", "camera", "no.png"), "--board"),
    "launch": (("launch", "drive", "polcy:=x"), "no argument 'polcy'"),
    "benchmark": (("benchmark", "--threads", "9999"), "--threads 9999"),
    "determinism": (("determinism", "--circuit", "ovall"), "'oval'"),
    "circuit import": (("circuit", "import", "no.csv", "out.csv"), "no.csv"),
    "circuit export": (("circuit", "export", "ovall", "out.csv"), "'oval'"),
    "circuit render": (("circuit", "render", "ovall", "out.png"), "'oval'"),
    "circuit world": (("circuit", "world", "ovall"), "'oval'"),
    "doctor": (("doctor", "--only", "moon"), "moon"),
}


def test_every_verb_that_prints_results_is_among_the_refused():
    covered = {name.split()[0] for name in REFUSED}
    # The one prints a script for a shell.
    assert covered == set(VERBS) - {"completion"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_one_json_document(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, reason = REFUSED[name]
    told = tell(*words, "--json")
    assert told.err == ""
    (key, sentence), *others = json.loads(told.out).items()
    assert (key, others) == ("error", [])
    assert reason in sentence
    assert sentence.endswith(".")
    plain = tell(*words)
    assert plain.out == ""
    assert sentence in plain.err
    assert plain.code == told.code != 0


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("trian",), "'train'"),
        (("train", "--sed", "1"), "'--seed'"),
        (("train", "--device", "gpuu"), "'gpu'"),
        (("train", "--preset", "tabulr"), "'tabular'"),
        (("train", "--circuit", "ovall"), "'oval'"),
        (("train", "--set", "agent.gama=1"), "'agent.gamma'"),
        (("train", "--set", "task.camera.hight=1"), "'task.camera.height'"),
        (("circuit", "lst"), "'list'"),
        (("launch", "drve"), "'drive'"),
        (("benchmark", "enginee"), "'engine'"),
        (("completion", "bahs"), "'bash'"),
        (("doctor", "--only", "disc"), "'disk'"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_near_one(words, near):
    told = tell(*words)
    assert told.code in (1, 2)
    assert f"(did you mean {near}?)" in told.err


def test_wrong_usage_is_one_document_and_its_own_status():
    told = tell("train", "--steps", "many", "--json")
    assert told.code == 2
    assert json.loads(told.out)["error"].startswith("--steps: invalid int value: 'many'; see")
    assert told.err == ""


def test_a_word_too_many_is_named():
    assert "'oval' is one word too many; leave it out." in tell("circuit", "list", "oval").err


def break_completion(monkeypatch):
    def fail(shell):
        raise ZeroDivisionError("the moon\nis out")

    monkeypatch.setattr(completion, "script", fail)


def test_an_unexpected_error_is_one_sentence_and_a_file_with_the_traceback(tmp_path, monkeypatch):
    break_completion(monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = tell("completion", "bash")
    assert (told.code, told.out) == (1, "")
    (line,) = told.err.splitlines()
    (file,) = tmp_path.iterdir()
    assert str(file) in line
    assert "ZeroDivisionError" in line
    account = file.read_text("utf-8")
    assert "Traceback" in account
    assert "f1-rl completion bash" in account
    assert "the moon" in account


def test_words_that_are_no_utf8_are_in_the_file_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sentence = note_unexpected(ZeroDivisionError(), ["record", "output:=b\udce9"])
    (file,) = tmp_path.iterdir()
    assert str(file) in sentence
    assert "f1-rl record 'output:=b\\udce9'" in file.read_text("utf-8")


def test_where_no_file_can_be_written_the_traceback_is_shown(monkeypatch):
    break_completion(monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    told = tell("completion", "bash")
    assert told.code == 1
    assert "Traceback" in told.err
    assert told.err.splitlines()[-1].startswith("f1-rl: ")


def test_too_little_memory_is_told_with_what_takes_it(monkeypatch):
    def fill(shell):
        raise MemoryError("Unable to allocate 1.36 PiB")

    monkeypatch.setattr(completion, "script", fill)
    told = tell("completion", "bash")
    assert told.code == 1
    assert "1.36 PiB" in told.err
    assert "smaller training.replay_capacity" in told.err


@pytest.mark.parametrize("how", ["option", "variable"])
def test_debugging_shows_an_unexpected_error_as_it_is(how, monkeypatch):
    break_completion(monkeypatch)
    words = ["completion", "bash"]
    if how == "variable":
        monkeypatch.setenv("F1_RL_DEBUG", "1")
    else:
        words.append("--debug")
    with pytest.raises(ZeroDivisionError):
        tell(*words)


@pytest.mark.parametrize("words", [("circuit", "list"), ("completion", "bash"), ("--help",)])
def test_a_reader_who_goes_away_is_no_error(words):
    # The reader closes at once, so that nothing at all can be written.
    process = subprocess.Popen(
        command(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_json_of_what_was_written_names_the_file(tmp_path):
    out = tmp_path / "oval.csv"
    told = tell("circuit", "export", "oval", out, "--json")
    assert told.code == 0
    document = json.loads(told.out)
    assert Path(document["output"]) == out
    assert out.is_file()
    assert set(document) == {"output", "name", "length_m", "tightest_radius_m", "line"}
    told = tell("circuit", "world", "oval", "--out", tmp_path / "gazebo", "--json")
    assert Path(json.loads(told.out)["output"]).suffix == ".sdf"


@pytest.mark.parametrize("words", [("launch", "drive"), ("record",)])
def test_the_arguments_of_a_launch_are_listed_for_programs(words):
    told = tell(*words, "--show-args", "--json")
    document = json.loads(told.out)
    assert set(document) == {"name", "summary", "arguments"}
    assert all(
        set(argument) == {"name", "description", "default", "choices"}
        for argument in document["arguments"]
    )
    assert len(document["arguments"]) > 3


EARLY = """
import json, sys
from f1_rl.cli.main import main
statuses = [main(words) for words in json.loads(sys.argv[1])]
assert statuses == [1] * len(statuses), statuses
print(*sys.modules)
"""


def test_what_cannot_be_trained_is_refused_before_tensorflow_is_imported(tmp_path):
    (tmp_path / "bad.csv").write_text("x_m,y_m,w_tr_right_m,w_tr_left_m\n1,2\n")
    running = RunFolder(tmp_path / "run")
    running.create(RunSettings().as_dict())
    refused = {
        f"{tmp_path / 'bad.csv'}, line 2: give 4 values": ("--circuit", tmp_path / "bad.csv"),
        "env CarRacing-v9: ": ("--env", "CarRacing-v9"),
        "env Nope-v0: ": ("--env", "Nope-v0"),
        "Box(": ("--env", "Pendulum-v1"),
        "/proc: cannot be written": ("--run-dir", "/proc/run"),
        "another process trains in it": ("--resume", running.path),
    }
    words = [["train", *map(str, options)] for options in refused.values()]
    with running.claimed():
        ended = subprocess.run(
            [sys.executable, "-c", EARLY, json.dumps(words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    reasons = [line for line in ended.stderr.splitlines() if line.startswith("f1-rl: ")]
    for reason, line in zip(refused, reasons, strict=True):
        assert reason in line
    assert "tensorflow" not in ended.stdout.split()
