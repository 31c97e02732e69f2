"""`f1-rl drive` on the live page: when it is opened, and how it ends."""

import asyncio
import json
import re
import signal
import subprocess
from pathlib import Path

import aiohttp
import pytest
from cli_helpers import start, tell

from f1_rl.circuits import load_circuit, write_circuit_csv
from f1_rl.cli import live_drive
from f1_rl.cli.main import main


@pytest.fixture
def run(repository: Path) -> Path:
    return repository / "tests" / "data" / "policy"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What would have been driven live."""
    calls: list[tuple] = []

    def drive_live(*arguments: object) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr(live_drive, "drive_live", drive_live)
    return calls


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the output a terminal."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_in_a_terminal_the_page_is_opened(run, opened):
    assert main(["drive", str(run), "--circuit", "chicanes"]) == 0
    ((_, settings, policy),) = opened
    assert settings.circuits == ("chicanes",)
    assert policy.folder == run


@pytest.mark.usefixtures("terminal")
def test_without_a_run_somebody_drives_by_hand(opened):
    assert main(["drive"]) == 0
    ((_, settings, policy),) = opened
    assert settings.circuits == ("simple",)
    assert policy is None


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("option", [("--laps", "1"), ("--no-video",), ("--json",)])
def test_in_a_terminal_laps_are_driven_where_an_option_asks_for_them(
    run, opened, option, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    main(["drive", str(run), "--circuit", "oval", "--no-video", *option])
    assert opened == []


def test_without_a_terminal_laps_are_driven(run, opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Too tight to be driven for long.
    assert "ended after" in tell("drive", run, "--circuit", "oval", "--scale", "0.3").out
    assert opened == []
    assert [file.name for file in tmp_path.iterdir()] == ["drive-oval.mp4"]


def test_videos_of_circuits_at_two_scales_have_two_names(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_circuit_csv(load_circuit("oval"), tmp_path / "mine.csv")
    for circuit in ("oval@0.3", "oval@0.31", f"{tmp_path / 'mine.csv'}@0.3"):
        tell("drive", run, "--circuit", circuit)
    videos = {file.name for file in tmp_path.glob("*.mp4")}
    assert videos == {"drive-oval@0.3.mp4", "drive-oval@0.31.mp4", "drive-mine@0.3.mp4"}


@pytest.mark.parametrize("circuits", [("oval", "hairpins"), ("random-0:2",)])
def test_laps_on_several_circuits_are_refused(run, circuits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [word for name in circuits for word in ("--circuit", name)]
    told = tell("drive", run, *options, "--laps", "1")
    assert told.code == 1
    assert "asks for 2 circuits, and laps without the live page are driven on one" in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "option", [("--watch",), ("--watch-port", "0"), ("--bags", "."), ("--ghosts", "best.json")]
)
def test_options_of_the_page_open_it_without_a_terminal(run, opened, option):
    assert tell("drive", run, *option).code == 0
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("RUN", "--watch", "--laps", "2"), "--laps: is for laps without the live page"),
        (("RUN", "--bags", ".", "--trace", "a.csv"), "--trace: is for laps without the live page"),
        ((), "needs a terminal or --watch"),
        (("--no-video",), "--no-video: there is no policy to drive with"),
        (("--last",), "--last: there is no policy to drive with"),
        (("--watch", "--circuit", "ovall"), "did you mean 'oval'?"),
        (("--watch", "--bags", "no/such"), "--bags no/such: is no folder"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(run, arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = tell("drive", *(run if text == "RUN" else text for text in arguments))
    assert told.code == 1
    assert reason in told.err
    assert told.err.count("\n") == 1
    assert told.err.endswith(".\n")
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_is_no_port_is_refused(run):
    told = tell("drive", run, "--watch-port", "99999")
    assert told.code == 2
    assert "'99999' is no port" in told.err


def address_of(process: "subprocess.Popen[str]") -> str:
    """Return the address of the page as it was printed."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found is not None, line + process.communicate()[1]
    return found[0]


async def drive_and_record(url: str) -> list[dict]:
    """Hold the throttle for a while, recording; return the moments."""
    moments: list[dict] = []
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}ws") as socket:
        await socket.send_json({"type": "mode", "value": "manual"})
        await socket.send_json({"type": "record", "value": True})
        while not (moments and moments[-1]["speed_mps"] > 3.0 and moments[-1]["recording"]):
            message = json.loads((await socket.receive(60.0)).data)
            if message["type"] != "moment":
                continue
            moments.append(message)
            await socket.send_json({"type": "seen"})
            held = {"type": "input", "throttle": 1.0, "steer": 0.0, "page": "test"}
            await socket.send_json(held)
    return moments


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_ends_the_drive_and_finishes_its_bag(run, number, tmp_path):
    pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")
    ghosts = tmp_path / "best.json"
    process = start("drive", run, "--watch", "--bags", tmp_path, "--ghosts", ghosts)
    try:
        moments = asyncio.run(drive_and_record(address_of(process)))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert err == ""
    assert moments[-1]["mode"] == "manual"
    assert moments[-1]["steered_by"] == "test"
    (bag,) = tmp_path.glob("bag-*")
    assert f"f1-rl train --demonstrations {bag}" in out
    assert tell("replay", bag, "--check").code == 0
