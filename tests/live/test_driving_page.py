"""Driving in a real browser: keys, a gamepad, touch, and a page that goes away."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chromium import EXECUTABLE, Browser, browser

from f1_rl.driving.settings import TaskSettings
from f1_rl.live.grid import PERSON
from f1_rl.live.hub import Hub
from f1_rl.live.server import LiveServer
from f1_rl.live.session import Session
from f1_rl.policy import load_policy
from f1_rl.settings import build_settings, merge

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no chromium is installed")

SPEED = "parseFloat(document.querySelector('#speed output').textContent)"
GAMEPAD = """navigator.getGamepads = () => [{
  connected: true, mapping: "standard", axes: [%s, 0, 0, 0],
  buttons: Array.from({length: 17}, (_, i) => ({value: i === 7 ? %s : 0, pressed: false})),
}]"""


def text_of(selector: str) -> str:
    return f"document.querySelector('{selector}').textContent"


def button(text: str) -> str:
    return (
        "[...document.querySelectorAll('#controls button')]"
        f".find(each => each.textContent === '{text}')"
    )


async def press(tab: Browser, code: str) -> None:
    await tab.call("Input.dispatchKeyEvent", type="keyDown", code=code, key=code)


async def release(tab: Browser, code: str) -> None:
    await tab.call("Input.dispatchKeyEvent", type="keyUp", code=code, key=code)


@pytest.fixture
def session(tmp_path: Path, repository: Path) -> Session:
    policy = load_policy(repository / "tests" / "data" / "policy")
    task = merge(policy.task_settings.as_dict(), {"circuits": ["oval"]})
    settings = build_settings(TaskSettings, task)
    return Session(Hub(), settings, policy, ghosts=tmp_path / "ghosts.json", bags=tmp_path)


@contextlib.asynccontextmanager
async def driven(session: Session, mode: str) -> AsyncIterator[Browser]:
    """A page on which the session runs, in a mode."""
    stop = threading.Event()
    thread = threading.Thread(target=session.run, args=(stop,))
    thread.start()
    try:
        with LiveServer(session._hub) as server:
            async with browser() as tab:
                await tab.open(server.url)
                await tab.wait_for(f"{button(mode)} !== undefined")
                await tab.evaluate(f"{button(mode)}.click()")
                await tab.wait_for(f"{button(mode)}.getAttribute('aria-pressed') === 'true'")
                yield tab
    finally:
        stop.set()
        thread.join()


def test_keys_drive_the_car_and_the_page_says_so(session):
    async def look() -> None:
        async with driven(session, "You drive") as tab:
            assert await tab.evaluate(text_of(".hand")) == "Nobody steers yet"
            await press(tab, "ArrowUp")
            await tab.wait_for(f"{SPEED} > 3")
            assert await tab.evaluate(text_of(".hand")) == "Keyboard steers"
            await press(tab, "KeyA")
            await tab.wait_for(f"{text_of('#turn output')}.startsWith('left')")
            await release(tab, "ArrowUp")
            await release(tab, "KeyA")
            await press(tab, "Space")
            await tab.wait_for(f"{SPEED} === 0")
            await press(tab, "KeyP")
            await tab.wait_for(f"{text_of('#status')} === 'Paused.'")
            assert tab.errors == []

    asyncio.run(look())


def test_a_gamepad_steers_outside_its_dead_zone(session):
    async def look() -> None:
        async with driven(session, "You drive") as tab:
            await tab.evaluate(GAMEPAD % (0.1, 0.5))
            await tab.wait_for(f"{SPEED} > 2")
            assert await tab.evaluate(text_of(".hand")) == "Gamepad steers"
            assert await tab.evaluate(text_of("#turn output")) == "straight"
            await tab.evaluate(GAMEPAD % (0.9, 0.5))
            await tab.wait_for(f"{text_of('#turn output')}.startsWith('right')")
            # Half a trigger is half the largest speed.
            assert float(session.grid.task.cars.speed_mps[PERSON]) <= 3.5

    asyncio.run(look())


def test_two_pads_are_touched_on_a_phone(session):
    async def look() -> None:
        async with driven(session, "You drive") as tab:
            await tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
            await tab.call(
                "Emulation.setDeviceMetricsOverride",
                **{"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True},
            )
            pad = "document.querySelector('[data-pad=pedals]').getBoundingClientRect()"
            x = await tab.wait_for(f"{pad}.width && {pad}.left + {pad}.width / 2")
            y = await tab.evaluate(f"{pad}.top + 5")
            points = [{"x": x, "y": y}]
            await tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=points)
            await tab.wait_for(f"{SPEED} > 3")
            assert await tab.evaluate(text_of(".hand")) == "Touch steers"
            await tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            await tab.wait_for(f"{SPEED} === 0")
            assert await tab.evaluate("document.documentElement.scrollWidth") == 400

    asyncio.run(look())


def test_the_car_stops_when_the_page_that_steers_goes_away(session):
    async def look() -> None:
        async with driven(session, "You drive") as tab:
            await press(tab, "ArrowUp")
            await tab.wait_for(f"{SPEED} > 3")
            await tab.call("Page.navigate", url="about:blank")
            for _ in range(600):
                if float(session.grid.task.cars.speed_mps[PERSON]) == 0.0:
                    break
                await asyncio.sleep(0.1)
            # It stands on the road, not beside it.
            assert session._moment(time.monotonic()).status == (
                "The page that steers has fallen silent: the car brakes."
            )

    asyncio.run(look())


def test_a_race_is_recorded_with_the_gap_in_view(session, tmp_path):
    pytest.importorskip("rosbags", reason="no rosbags: install it to write bags")

    async def look() -> None:
        async with driven(session, "Race the policy") as tab:
            await tab.evaluate(f"{button('Record')}.click()")
            await press(tab, "KeyW")
            await tab.wait_for(f"/^[0-9.]+ s behind the policy$/.test({text_of('.gaps li')})")
            said = text_of(".recorded")
            recorded = await tab.wait_for(f"/^[1-9]/.test({said}) && {said}")
            (bag,) = tmp_path.glob("bag-*")
            assert recorded.endswith(f" MB in {bag}")
            await tab.evaluate(f"{button('Stop recording')}.click()")
            await tab.wait_for("document.querySelector('.recorded').hidden")
            choice = "document.querySelector('#controls select')"
            assert await tab.evaluate(f"{choice}.value") == "oval"
            await tab.evaluate(f"{choice}.value = 'simple'")
            await tab.evaluate(f"{choice}.dispatchEvent(new Event('change'))")
            await tab.wait_for(f"{text_of('#map .note')}.startsWith('simple')")
            assert tab.errors == []

    asyncio.run(look())
