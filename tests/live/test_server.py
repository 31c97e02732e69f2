"""The server of the live page, over real HTTP and WebSockets."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

import aiohttp
import pytest

from f1_rl.live.browser import invitation, open_page
from f1_rl.live.errors import LiveError
from f1_rl.live.hub import Hub
from f1_rl.live.server import LiveServer
from f1_rl.live.snapshot import Moment, Scene
from f1_rl.reporting.palette import DARK, LIGHT

DRIVE = Scene("a drive", "drive", modes=("policy", "manual"))


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def server(hub):
    with LiveServer(hub) as running:
        yield running


def ask(url: str, path: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
    async def asking() -> tuple[int, str, dict[str, str]]:
        session = aiohttp.ClientSession()
        async with session, session.get(url + path, headers=headers) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    return asyncio.run(asking())


@contextlib.asynccontextmanager
async def page(server, **headers: str):
    session = aiohttp.ClientSession()
    async with session, session.ws_connect(f"{server.url}ws", headers=headers) as connection:
        yield connection


async def next_of(connection, kind: str) -> dict:
    """Return the next message of a kind; those before it are passed over."""
    while True:
        message = await connection.receive_json(timeout=30)
        if message["type"] == kind:
            return message


async def until(condition) -> None:
    deadline = asyncio.get_running_loop().time() + 30
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(hub, port):
    with pytest.raises(ValueError, match=f"Port {port}: give one from 0 to 65535"):
        LiveServer(hub, port)


def test_it_listens_on_this_machine_alone(server):
    port = int(server.url.rstrip("/").rpartition(":")[2])
    listening = [
        line.split()[1]
        for line in open("/proc/net/tcp").read().splitlines()[1:]  # noqa: PTH123, SIM115
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{port:04X}"]


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("", "text/html"),
        ("page.css", "text/css"),
        ("page.js", "text/javascript"),
        ("connection.js", "text/javascript"),
    ],
)
def test_the_page_and_its_parts_are_served(server, path, content_type):
    status, text, headers = ask(server.url, path)
    assert status == 200
    assert len(text) > 500
    assert headers["Content-Type"] == f"{content_type}; charset=utf-8"
    assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_the_colours_are_those_of_the_report(server):
    _, text, _ = ask(server.url, "colours.css")
    light, _, dark = text.partition("prefers-color-scheme: dark")
    assert all(f"--{role}: {colour};" in light for role, colour in LIGHT.items())
    assert all(f"--{role}: {colour};" in dark for role, colour in DARK.items())


@pytest.mark.parametrize("path", ["nothing.js", "..%2fserver.py", "page.py", "%00"])
def test_nothing_else_is_served(server, path):
    assert ask(server.url, path)[0] == 404


def test_the_page_asks_for_nothing_from_elsewhere(server):
    for path in ("", "page.css", "page.js", "connection.js", "map.js", "curves.js"):
        _, text, _ = ask(server.url, path)
        assert "https://" not in text
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "["])
def test_a_foreign_name_of_this_machine_is_refused(server, host):
    assert ask(server.url, Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:9000", "[::1]:9000"])
def test_the_other_end_of_a_tunnel_is_welcome(server, host):
    assert ask(server.url, Host=host)[0] == 200
    assert ask(server.url, Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1", "null", ""])
def test_a_page_of_another_site_cannot_connect(hub, server, origin):
    async def connect() -> None:
        async with page(server, Origin=origin):
            pass

    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        asyncio.run(connect())
    assert not hub.watched


def test_a_page_is_told_everything_and_counts_as_watching(hub, server):
    async def watch() -> None:
        async with page(server) as connection:
            await until(lambda: hub.watched)
            hub.set_scene(DRIVE)
            assert (await next_of(connection, "scene"))["title"] == "a drive"
            hub.show(Moment(time_s=1.5))
            assert (await next_of(connection, "moment"))["time_s"] == 1.5
            hub.add_rows([{"table": "metrics", "env_step": 3, "loss": float("nan")}])
            rows = (await next_of(connection, "curve"))["rows"]
            assert rows == [{"table": "metrics", "env_step": 3, "loss": None}]
        await until(lambda: not hub.watched)

    asyncio.run(watch())


def test_a_page_that_does_not_say_what_it_has_seen_gets_no_queue(hub, server):
    async def watch() -> None:
        async with page(server) as connection:
            await until(lambda: hub.watched)
            for step in range(50):
                hub.show(Moment(time_s=float(step)))
                await asyncio.sleep(0.002)
            hub.end("over")
            messages = []
            while not messages or messages[-1]["type"] != "end":
                messages.append(await connection.receive_json(timeout=30))
            assert sum(message["type"] == "moment" for message in messages) == 2
            await connection.send_json({"type": "seen"})
            assert (await next_of(connection, "moment"))["time_s"] == 49.0

    asyncio.run(watch())


def test_requests_reach_the_hub_and_bad_ones_are_answered_with_a_reason(hub, server):
    hub.set_scene(DRIVE)

    async def steer() -> None:
        async with page(server) as connection:
            await connection.send_str("rubbish")
            assert "not understood" in (await next_of(connection, "refused"))["reason"]
            await connection.send_bytes(b"\x00")
            await connection.send_json({"type": "mode", "value": "fly"})
            assert "policy, manual" in (await next_of(connection, "refused"))["reason"]
            await connection.send_json({"type": "mode", "value": "manual"})
            await until(lambda: hub._requests)

    asyncio.run(steer())
    assert hub.take_messages() == [{"type": "mode", "value": "manual"}]


def test_a_message_without_end_costs_the_page_its_connection_alone(hub, server):
    async def shout() -> None:
        async with page(server) as connection:
            await connection.send_str("x" * 100_000)
            while not connection.closed:
                await connection.receive(timeout=30)
        assert connection.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    asyncio.run(shout())
    assert ask(server.url)[0] == 200


def test_a_picture_that_cannot_be_drawn_costs_the_page_its_connection_alone(hub, server, caplog):
    def fail():
        raise RuntimeError("no picture")

    async def watch() -> None:
        async with page(server) as connection:
            await until(lambda: hub.watched)
            hub.show(Moment(camera=fail))
            while not connection.closed:
                await connection.receive(timeout=30)
        assert connection.close_code == aiohttp.WSCloseCode.INTERNAL_ERROR

    asyncio.run(watch())
    assert "no picture" in caplog.text
    assert ask(server.url)[0] == 200


def test_what_was_shown_last_arrives_before_the_server_ends(hub):
    async def watch() -> list[dict]:
        loop, messages = asyncio.get_running_loop(), []
        server = LiveServer(hub)
        server.__enter__()
        async with page(server) as connection:
            await until(lambda: hub.watched)
            hub.end("The run is over.")
            ending = loop.run_in_executor(None, server.__exit__, None, None, None)
            async for message in connection:
                messages.append(json.loads(message.data))
            assert connection.close_code == aiohttp.WSCloseCode.GOING_AWAY
            await ending
        return messages

    assert asyncio.run(watch())[-1] == {"type": "end", "status": "The run is over."}
    assert not hub.watched


def test_it_ends_with_its_thread_and_its_port_is_free_again(hub):
    with LiveServer(hub) as first:
        url = first.url
    assert "live page" not in {thread.name for thread in threading.enumerate()}
    hub.show(Moment())
    with LiveServer(hub, int(url.rstrip("/").rpartition(":")[2])) as second:
        assert second.url == url
        assert ask(url)[0] == 200


def test_a_port_that_is_taken_is_an_error_of_one_sentence(hub):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LiveError, match=rf"^port {port}: .*in use.*choose another.*\.$"):
            LiveServer(hub, port).__enter__()


def test_the_invitation_says_how_to_come_through_ssh():
    assert invitation("http://127.0.0.1:80/", {}) == "Watch it at http://127.0.0.1:80/"
    assert "ssh -L 80:localhost:80 " in invitation(
        "http://127.0.0.1:80/", {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}
    )


@pytest.mark.parametrize(
    ("environment", "opened"),
    [({}, []), ({"DISPLAY": ":0"}, ["url"]), ({"WAYLAND_DISPLAY": "w"}, ["url"])],
)
def test_a_browser_is_opened_where_there_is_a_display(environment, opened, monkeypatch):
    calls = []
    monkeypatch.setattr("webbrowser.open", lambda url: calls.append(url) or True)
    assert open_page("url", environment) == bool(opened)
    assert calls == opened


def test_the_live_page_needs_neither_tensorflow_nor_ros(repository):
    program = (
        "import pkgutil, importlib, sys, f1_rl.live as live\n"
        "for module in pkgutil.walk_packages(live.__path__, 'f1_rl.live.'):\n"
        "    importlib.import_module(module.name)\n"
        "wrong = {'tensorflow', 'tf_agents', 'tf_keras', 'keras', 'rclpy'} & set(sys.modules)\n"
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", program], cwd=repository, check=True, env=os.environ)


def test_training_and_driving_know_nothing_of_the_live_page(repository):
    below = (
        "circuits",
        "simulation",
        "driving",
        "policy",
        "reporting",
        "learning",
        "bags",
        "nodes",
    )
    for package in below:
        for path in (repository / "f1_rl" / package).rglob("*.py"):
            assert "f1_rl.live" not in path.read_text("utf-8"), path
