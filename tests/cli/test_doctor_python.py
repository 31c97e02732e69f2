"""What `f1-rl doctor` says of packages, some of which are broken for it."""

import json
import os
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from f1_rl.cli.checks import python, tensorflow


@pytest.fixture
def broken(tmp_path):
    """Ask a doctor for whom a module is another."""

    def ask(code: str, *names: str, module: str = "tensorflow") -> dict[str, dict[str, str]]:
        (tmp_path / f"{module}.py").write_text(code)
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", ""), str(Path.cwd())])
        ended = subprocess.run(
            [sys.executable, "-m", "f1_rl.cli.main", "doctor", "--json", "--only", *names],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        return {row["name"]: row for row in json.loads(ended.stdout)}

    return ask


def test_a_tensorflow_that_cannot_be_imported_is_told_with_its_reason(broken):
    rows = broken(
        "raise ImportError('libcudart.so.12: cannot open')", "tensorflow", "keras", "tf-agents"
    )
    assert rows["tensorflow"]["state"] == "fail"
    assert "libcudart.so.12: cannot open" in rows["tensorflow"]["detail"]
    assert "pip install" in rows["tensorflow"]["remedy"]
    assert rows["keras"]["state"] == rows["tf-agents"]["state"] == "absent"


def test_a_tensorflow_that_crashes_does_not_take_the_doctor_along(broken):
    rows = broken("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "tensorflow", "python")
    assert rows["python"]["state"] == "ok"
    assert rows["tensorflow"]["state"] == "fail"
    assert "SIGILL" in rows["tensorflow"]["detail"]


def test_a_package_that_lacks_a_library_is_told_from_one_that_is_missing(broken):
    row = broken("raise OSError('libX.so.1: not found')", "live", module="aiohttp")["live"]
    assert (row["state"], "libX.so.1" in row["detail"]) == ("warn", True)


@pytest.fixture
def told(monkeypatch, programs):
    """Let TensorFlow tell what it may."""

    def tell(**changes: object) -> None:
        facts = {"version": "2.15.1", "keras": "2.15.0", "cuda": "12.2", "gpus": []} | changes
        monkeypatch.setattr(tensorflow, "_told", lambda: (facts, None))

    return tell


@pytest.mark.parametrize(("version", "state"), [("2.15.0", "ok"), ("3.4.1", "fail")])
def test_keras_has_to_be_the_second(told, version, state):
    told(keras=version)
    assert tensorflow.keras().state == state


def test_a_broken_tf_agents_fails(told):
    told(tf_agents_error="ModuleNotFoundError: no module named 'gin'")
    assert (tensorflow.tf_agents().state, "gin" in tensorflow.tf_agents().detail) == ("fail", True)


def test_the_gpu_is_told_by_its_driver_and_by_tensorflow(told, programs):
    told()
    assert tensorflow.gpu().state == "absent"
    programs("nvidia-smi", "echo 'NVIDIA GeForce RTX 4090, 570.1, 24564 MiB'")
    finding = tensorflow.gpu()
    assert finding.state == "warn"
    assert "does not see it" in finding.detail
    assert finding.remedy == "pip install 'tensorflow[and-cuda]==2.15.1'"
    told(gpus=["NVIDIA GeForce RTX 4090"])
    assert tensorflow.gpu().state == "ok"


def test_a_driver_that_does_not_fit_is_a_warning(told, programs):
    told()
    programs("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library mismatch'; exit 18")
    finding = tensorflow.gpu()
    assert (finding.state, "mismatch" in finding.detail) == ("warn", True)


@pytest.mark.tensorflow
def test_the_tensorflow_of_this_environment_is_told():
    tensorflow.forget()
    assert tensorflow.tensorflow().state == "ok"
    assert tensorflow.keras().state == "ok"
    assert tensorflow.tf_agents().state == "ok"


def test_pins_that_differ_are_named(tmp_path):
    file = tmp_path / "requirements" / "py3.txt"
    file.parent.mkdir()
    found = metadata.version("numpy")
    file.write_text(f"numpy=={found} \\\n    --hash=sha256:00\nnever-heard-of==1\n")
    assert python.pins(file).state == "ok"
    file.write_text("numpy==0.1 \\\n    --hash=sha256:00\n")
    finding = python.pins(file)
    assert finding.state == "warn"
    assert f"numpy {found}, not 0.1" in finding.detail
    assert python.pins(tmp_path / "none.txt").state == "absent"


@pytest.mark.parametrize(
    ("asked", "state", "detail"),
    [
        (["numpy>=1"], "ok", "what it needs"),
        (["numpy<1"], "fail", "is not <1"),
        (["never-heard-of"], "fail", "never-heard-of is missing"),
        (["never-heard-of; python_version < '3'"], "ok", ""),
        (["never-heard-of; extra == 'games'"], "ok", ""),
        (None, "warn", "not installed"),
    ],
)
def test_what_the_package_asks_for_is_compared_with_what_is_there(
    monkeypatch, asked, state, detail
):
    pytest.importorskip("packaging")

    def requires(name):
        if asked is None:
            raise metadata.PackageNotFoundError(name)
        return asked

    monkeypatch.setattr(metadata, "requires", requires)
    finding = python.packages()
    assert finding.state == state
    assert detail in finding.detail


def test_optional_parts_that_are_not_whole_are_named(monkeypatch):
    pytest.importorskip("packaging")
    asked = ["numpy", "never-heard-of; extra == 'games'", "numpy; extra == 'live'"]
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    finding = python.extras()
    assert (finding.state, finding.remedy) == ("absent", "pip install 'f1_rl[games]'")
    assert "live" in finding.detail.split(";")[0]


def test_an_interpreter_that_is_too_old_or_too_new_fails(monkeypatch):
    version = namedtuple("version", "major minor micro")
    monkeypatch.setattr(sys, "version_info", version(3, 13, 0))
    assert python.interpreter().state == "fail"
