"""The live page in a real browser."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from chromium import EXECUTABLE, browser

from f1_rl.circuits import load_circuit
from f1_rl.live.hub import Hub
from f1_rl.live.server import LiveServer
from f1_rl.live.snapshot import Command, Ghost, Moment, Pose, Scene
from f1_rl.simulation import Obstacle

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no chromium is installed")

NETWORK = {"filters": [4], "kernels": [[3, 3]], "strides": [[2, 2]], "units": [16]}
RUN = (
    *("task.circuits=[oval]", f"agent.network={NETWORK}", "training.num_envs=4"),
    *("training.updates_per_call=1", "training.evaluate_from=0", "training.evaluate_every=600"),
    *("training.evaluation_episodes=2", "training.log_every_s=0.2", "training.env_steps=1000000"),
)
# Whether something was drawn: a pixel that is not transparent.
DRAWN = """(selector => {
  const canvas = document.querySelector(selector);
  if (!canvas.width || !canvas.height) return false;
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(v => v);
})"""
# Pixels in the colour of obstacles, where the page is dark.
ORANGE = """(selector => {
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    count += data[i] === 240 && data[i + 1] === 162 && data[i + 2] === 75;
  return count;
})"""


def text_of(selector: str) -> str:
    return f"document.querySelector('{selector}').textContent"


def has_loaded(selector: str) -> str:
    return f"document.querySelector('{selector} img').naturalWidth > 0"


@pytest.fixture
def training(tmp_path):
    """The live page's address, and the process, of a run without end."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "f1_rl.cli.main", "train", "--watch", "--device", "cpu"),
            *("--no-report", "--run-dir", str(tmp_path / "run")),
            *(argument for change in RUN for argument in ("--set", change)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        # A browser of one's own is not to be opened.
        env={name: os.environ[name] for name in os.environ if "DISPLAY" not in name},
    )
    try:
        yield re.search(r"http://\S+", process.stdout.readline())[0], process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.tensorflow
def test_a_run_in_training_fills_the_page(training):
    url, process = training

    async def look() -> None:
        async with browser() as tab:
            await tab.open(url)
            await tab.wait_for(f"{text_of('#connection')} === 'Connected'")
            await tab.wait_for("document.querySelectorAll('#actions li.chosen').length === 1", 120)
            assert "run: oval" in await tab.evaluate(text_of("#title"))
            assert "oval" in await tab.evaluate(text_of("#map .note"))
            await tab.wait_for(has_loaded("#camera"))
            await tab.wait_for(has_loaded("#observation"))
            await tab.wait_for(f"{DRAWN}('#map canvas')")
            await tab.wait_for(f"/[0-9],[0-9]/.test({text_of('#training')})")
            await tab.wait_for("document.querySelectorAll('.chart:not([hidden])').length >= 4", 120)
            for canvas in (".chart canvas", ".chart:nth-child(4) canvas"):
                await tab.wait_for(f"{DRAWN}('{canvas}')")
            label = "document.querySelector('.chart canvas').getAttribute('aria-label')"
            assert "latest" in await tab.wait_for(f"/latest/.test({label}) && {label}")
            size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            assert await tab.evaluate(size) == [1400, 900]
            await tab.resize(400, 900)
            assert (await tab.evaluate(size))[0] == 400
            process.send_signal(signal.SIGINT)
            await tab.wait_for(f"{text_of('#connection')} === 'Ended'", 120)
            assert "stopped and saved" in await tab.evaluate(text_of("#status"))
            assert process.wait(60) == 130
            # That nobody answers any more is no fault of the page.
            assert [e for e in tab.errors if "ERR_CONNECTION_REFUSED" not in e] == []

    asyncio.run(look())


def test_a_drive_shows_the_car_its_ghost_and_its_lap():
    circuit = load_circuit("oval")
    scene = Scene("a drive", "drive", circuit=circuit, action_names=("left", "right"))
    moment = Moment(
        q_values=(1.0, 2.5),
        action=0,
        command=Command(5.0, -1.2),
        speed_mps=4.0,
        pose=Pose(circuit.x_m[0], circuit.y_m[0], 0.0),
        lap=2,
        lap_time_s=119.996,
        ghosts=(Ghost("best", circuit.x_m[9], circuit.y_m[9], 0.0),),
        obstacles=(
            Obstacle("box", circuit.x_m[200], circuit.y_m[200], 0.0),
            Obstacle("car", circuit.x_m[400], circuit.y_m[400], 0.0),
        ),
        status="<b>no markup</b>",
    )

    async def look() -> None:
        hub = Hub()
        hub.set_scene(scene)
        hub.show(moment)
        with LiveServer(hub) as server:
            async with browser() as tab:
                await tab.open(server.url, dark=True)
                await tab.wait_for(f"{text_of('#laps')}.includes('2:00.00')")
                assert await tab.evaluate(text_of("#speed output")) == "4.0 m/s"
                assert await tab.evaluate(text_of("#turn output")) == "right 1.2"
                chosen = "document.querySelector('#actions [aria-current]').textContent"
                assert await tab.evaluate(chosen) == "left1.00"
                assert "another" in await tab.evaluate(text_of("#decision .note"))
                assert await tab.evaluate(text_of("#status")) == "<b>no markup</b>"
                assert await tab.evaluate("document.querySelector('#camera').hidden")
                assert await tab.evaluate("document.querySelector('#curves').hidden")
                await tab.wait_for(f"{DRAWN}('#map canvas')")
                assert await tab.evaluate(f"{ORANGE}('#map canvas')") > 60
                background = "getComputedStyle(document.body).backgroundColor"
                assert await tab.evaluate(background) == "rgb(16, 19, 24)"
                assert tab.errors == []

    asyncio.run(look())


def test_a_lost_connection_is_said_and_made_again():
    async def look() -> None:
        hub = Hub()
        hub.set_scene(Scene("before", "train"))
        hub.add_rows([{"table": "metrics", "env_step": 5, "loss": 1.0}])
        async with browser() as tab:
            with LiveServer(hub) as server:
                await tab.open(server.url)
                await tab.wait_for(f"{text_of('#title')} === 'before'")
            await tab.wait_for(f"{text_of('#connection')}.startsWith('Connection lost')")
            again = Hub()
            again.set_scene(Scene("after", "train"))
            with LiveServer(again, int(server.url.rstrip("/").rpartition(":")[2])):
                await tab.wait_for(f"{text_of('#title')} === 'after'")
                assert await tab.evaluate(text_of("#connection")) == "Connected"

    asyncio.run(look())


def test_a_page_in_the_browser_says_what_it_has_seen():
    async def look() -> None:
        hub = Hub()
        hub.set_scene(Scene("a run", "train"))
        with LiveServer(hub) as server:
            async with browser() as tab:
                await tab.open(server.url)
                deadline = time.monotonic() + 60
                for step in range(30):
                    while not hub.awaited:
                        assert time.monotonic() < deadline
                        await asyncio.sleep(0.01)
                    hub.show(Moment(speed_mps=float(step)))
                    await asyncio.sleep(0.01)
                await tab.wait_for(f"{text_of('#speed output')} === '29.0 m/s'")

    asyncio.run(look())
