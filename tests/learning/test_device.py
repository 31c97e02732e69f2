"""The device that is chosen."""

import os
import sys

import pytest

from f1_rl.learning.device import (
    NoGpuError,
    TensorFlowMissingError,
    choose_device,
    describe_device,
    import_tensorflow,
)

HAS_GPU = bool(import_tensorflow().config.list_physical_devices("GPU"))


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_with_what_to_do():
    with pytest.raises(NoGpuError, match=r"no GPU is visible.*--device cpu"):
        choose_device("gpu")
    assert choose_device("auto") == "/CPU:0"


@pytest.mark.skipif(not HAS_GPU, reason="there is no GPU")
def test_a_gpu_is_taken_where_there_is_one():
    assert choose_device("gpu") == choose_device("auto") == "/GPU:0"
    assert describe_device("/GPU:0").startswith("GPU (")


def test_the_cpu_can_always_be_had():
    assert choose_device("cpu") == "/CPU:0"
    assert describe_device("/CPU:0").startswith("CPU (")


@pytest.mark.parametrize("given", [None, "--xla_cpu_enable_fast_math=false"])
def test_xla_uses_one_thread_on_the_cpu_unless_it_is_told_otherwise(monkeypatch, given):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if given is not None:
        monkeypatch.setenv("XLA_FLAGS", given)
    import_tensorflow()
    assert os.environ["XLA_FLAGS"] == (given or "--xla_cpu_multi_thread_eigen=false")


def test_without_tensorflow_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(TensorFlowMissingError, match="pip install 'f1_rl\\[train\\]'"):
        import_tensorflow()
