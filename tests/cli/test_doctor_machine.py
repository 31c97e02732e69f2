"""What `f1-rl doctor` says of machine and network, some of which is broken for it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from f1_rl.cli.checks import docker, graphics, machine, network
from f1_rl.cli.checks.programs import ask

# Nobody, not even root, makes files there.
UNWRITABLE = Path("/proc")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_fails(small_disk, monkeypatch):
    finding = machine.disk(small_disk)
    assert (finding.state, str(small_disk) in finding.remedy) == ("fail", True)
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    assert machine.temporary().state == "warn"
    assert "TMPDIR" in machine.temporary().remedy


def test_a_folder_that_cannot_be_written_fails():
    assert machine.disk(UNWRITABLE).state == "fail"


def test_a_kernel_cache_that_cannot_be_written_is_a_warning(tmp_path):
    finding = machine.kernel_cache(UNWRITABLE / "cache")
    assert (finding.state, "NUMBA_CACHE_DIR" in finding.remedy) == ("warn", True)
    assert machine.kernel_cache(tmp_path / "new" / "cache").state == "ok"


def test_the_kernel_cache_is_the_one_that_numba_uses(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "f1_rl.cli.main", "doctor", "--only", "kernel-cache", "--json"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout)[0]["detail"].startswith(str(tmp_path))


def test_no_folder_for_temporary_files_fails(monkeypatch):
    def nowhere():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    assert machine.temporary().state == "fail"


@pytest.mark.parametrize(
    ("limit", "used", "state"), [(None, 0, "ok"), (3e9, 1.5e9, "warn"), (3e9, 2.9e9, "fail")]
)
def test_a_container_has_the_memory_that_it_is_allowed(monkeypatch, tmp_path, limit, used, state):
    if machine.memory().state != "ok":
        pytest.skip("this machine has little memory free itself")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n" if limit is None else f"{limit:.0f}\n")
    (tmp_path / "memory.current").write_text(f"{used:.0f}\n")
    assert machine.memory().state == state


def test_a_container_has_the_cores_that_it_is_allowed(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    finding = machine.cores()
    assert finding.state == "warn"
    assert finding.detail.startswith("0.5 of")


def test_a_busy_machine_is_a_warning(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 1.0, 1.0))
    assert machine.cores().state == "warn"
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 1.0, 1.0))
    monkeypatch.setattr(machine, "_allowed_cores", lambda: float("inf"))
    assert machine.cores().state == "ok"


def test_a_port_that_another_program_holds_fails():
    with socket.create_server(("127.0.0.1", 0)) as server:
        finding = network.port(server.getsockname()[1])
    assert finding.state == "fail"
    assert "Address already in use" in finding.detail
    assert network.port().state == "ok"


def test_multicast_that_is_lost_matters_where_something_needs_it(monkeypatch):
    monkeypatch.setattr(network, "_hears_itself", lambda: False)
    monkeypatch.setattr(network, "find_spec", lambda name: object())
    finding = network.multicast()
    assert (finding.state, "ip link set lo" in finding.remedy) == ("warn", True)
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert network.multicast().state == "absent"


def test_without_a_network_multicast_is_lost():
    if shutil.which("unshare") is None:
        pytest.skip("the command unshare is not installed")
    code = (
        "from f1_rl.cli.checks import network; "
        "print(network.multicast().detail); print(network.port().state)"
    )
    ended = subprocess.run(
        ["unshare", "--net", "--map-root-user", sys.executable, "-c", code],
        capture_output=True,
        text=True,
    )
    if "unshare" in ended.stderr:
        pytest.skip(f"no namespace can be made: {ended.stderr.strip()}")
    lost, port = ended.stdout.splitlines()
    assert lost.startswith("not on the loopback interface")
    assert port == "fail"


def test_without_a_browser_the_way_over_ssh_is_told(monkeypatch):
    def none():
        raise network.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(network.webbrowser, "get", none)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    finding = network.browser()
    assert (finding.state, "ssh -L" in finding.remedy) == ("absent", True)


@pytest.mark.parametrize(
    ("display", "remedy"), [("", "set DISPLAY"), (":0", "apt install firefox")]
)
def test_without_a_browser_a_missing_display_is_told_from_a_missing_program(
    display, remedy, monkeypatch
):
    def none():
        raise network.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(network.webbrowser, "get", none)
    for name in ("SSH_CONNECTION", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert remedy in network.browser().remedy


def test_a_display_where_nobody_answers_is_a_warning(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":7317")
    assert graphics.display().state == "warn"
    monkeypatch.delenv("DISPLAY")
    assert graphics.display().state == "absent"


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")
def test_a_display_that_answers_is_found(monkeypatch):
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "64x64x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            monkeypatch.setenv("DISPLAY", f":{numbers.readline().strip()}")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        assert graphics.display().state == "ok"
    finally:
        server.terminate()
        server.wait()


def test_software_rendering_is_a_warning_where_there_is_a_gpu(programs):
    software, gpu = "llvmpipe (LLVM 15.0.6, 256 bits)", "NVIDIA GeForce RTX 4090/PCIe/SSE2"
    assert graphics.drawn_by([software]).state == "ok"
    programs("nvidia-smi", "")
    assert graphics.drawn_by([software]).state == "warn"
    assert graphics.drawn_by([gpu, software]).state == "ok"


def test_egl_is_asked_by_a_program_of_its_own(monkeypatch):
    finding = graphics.opengl()
    assert finding.state in ("ok", "warn", "absent")
    monkeypatch.setattr(graphics, "_ASK", [sys.executable, "-c", "import os; os.abort()"])
    finding = graphics.opengl()
    assert (finding.state, "SIGABRT" in finding.detail) == ("absent", True)


@pytest.mark.parametrize(
    ("script", "state", "remedy"),
    [
        (None, "absent", ""),
        ("echo '27.1.1 map[runc:{runc []}]'", "ok", ""),
        ("echo 'permission denied while trying to connect' >&2; exit 1", "warn", "usermod"),
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "warn", "systemctl start"),
    ],
)
def test_docker_is_asked(programs, script, state, remedy):
    if script is not None:
        programs("docker", script)
    finding = docker.docker()
    assert finding.state == state
    assert remedy in finding.remedy


def test_containers_without_the_gpu_are_a_warning(programs):
    programs("docker", "echo '27.1.1 map[runc:{runc []}]'")
    programs("nvidia-smi", "")
    assert "nvidia-container-toolkit" in docker.docker().remedy


def test_a_program_that_hangs_is_killed_with_its_children():
    assert ask(["sh", "-c", "sleep 30 & sleep 30"], 0.3) is None
    assert ask(["/no/such/program"], 1.0) is None
