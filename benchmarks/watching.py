"""What the live page costs the training that it shows.

Three runs of the same settings and seed live in this process and train in turns, a few seconds
each, while the others stand still: without `--watch`; with it and nobody looking; and with a page
that looks, a WebSocket in a process of its own that reads everything and asks for more at once.
Evaluations, checkpoints and the report are left out. A round is a turn of each, so a busy machine
disturbs all alike. Printed are the ratios of the medians for a step, with 95 % bootstrap intervals
over the rounds: of the time, which is what one waits for, and of the processor time of all threads,
drawing and sending included, which a busy machine disturbs less.

    python benchmarks/watching.py --rounds 30
    python benchmarks/watching.py --preset many
"""

import argparse
import asyncio
import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from f1_rl.learning.runs import DEFAULT_PRESET, RunSettings, run_settings
from f1_rl.live.hub import Hub
from f1_rl.live.server import LiveServer
from f1_rl.live.spectator import TrainingSpectator
from f1_rl.statistics import estimate_ratio

NAMES = ("without --watch", "watched by nobody", "watched by a page")
FOR_EVER = 10**9
AIM = 1.02

Array = npt.NDArray[np.float64]


class Run:
    """A run that trains when it is its turn."""

    def __init__(self, settings: RunSettings, folder: Path, hub: Hub | None) -> None:
        from f1_rl.learning.training import start_run

        self._paused: queue.Queue[Any] = queue.Queue()
        spectator = None
        if hub is not None:
            spectator = TrainingSpectator(hub, folder.name, settings.training.env_steps)
        self._trainer = start_run(settings, folder, self, device="cpu", spectator=spectator)
        self._trainer.control.pause()
        self._thread = threading.Thread(target=self._trainer.run)
        self._thread.start()
        self._before = self._paused.get()

    def on_progress(self, progress: Any) -> None:
        # The row that is written when a pause begins tells of no speed.
        if progress.steps_per_s == 0.0 and self._trainer.control.paused:
            self._paused.put(progress)

    def on_evaluation(self, progress: Any, evaluation: Any, best: bool) -> None:
        pass

    def turn(self, duration_s: float) -> tuple[float, float]:
        """Train for a while.

        Returns:
            What an environment step took: milliseconds, and of all processors together.
        """
        began_s = time.process_time()
        self._trainer.control.go_on()
        time.sleep(duration_s)
        self._trainer.control.pause()
        before, self._before = self._before, self._paused.get()
        computed_s = time.process_time() - began_s
        took_s = self._before.wall_time_s - before.wall_time_s
        steps = self._before.env_step - before.env_step
        return 1_000.0 * took_s / steps, 1_000.0 * computed_s / steps

    def close(self) -> None:
        self._trainer.request_stop()
        self._thread.join()
        self._trainer.close()


@contextlib.contextmanager
def page(url: str) -> Iterator[None]:
    """Have another process watch; it says at the end what it got."""
    command = [sys.executable, __file__, "--page", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.terminate()
        got = json.loads(process.stdout.readline())
        print(f"\nThe page was sent {got['moments']} moments, {got['bytes'] / 1e6:.1f} MB.")


async def watch(url: str) -> None:
    """Read everything that the server sends, until told to end."""
    import signal

    import aiohttp

    got, done = {"moments": 0, "bytes": 0}, asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)

    async def read(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            got["bytes"] += len(message.data)
            if json.loads(message.data)["type"] == "moment":
                got["moments"] += 1
                await socket.send_json({"type": "seen"})

    session = aiohttp.ClientSession()
    async with session, session.ws_connect(f"{url}ws", max_msg_size=0) as socket:
        print("watching", flush=True)
        reading = asyncio.create_task(read(socket))
        await done.wait()
        reading.cancel()
    print(json.dumps(got), flush=True)


def settings_for(preset: str) -> RunSettings:
    for_ever = {"env_steps": FOR_EVER, "evaluate_from": FOR_EVER, "evaluate_every": FOR_EVER}
    return run_settings(preset, [{"training": {**for_ever, "checkpoint_every_s": 1e9}}])


def measure(settings: RunSettings, rounds: int, turn_s: float, warm_up_s: float) -> Array:
    """Return what a step took, `(rounds, runs, 2)`, as `Run.turn` does."""
    hubs = (None, Hub(), Hub())
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [stack.enter_context(LiveServer(hub)) for hub in hubs if hub is not None]
        runs = []
        for name, hub in zip("abc", hubs, strict=True):
            runs.append(Run(settings, folder / name, hub))
            stack.callback(runs[-1].close)
        stack.enter_context(page(servers[1].url))
        for run in runs:
            run.turn(warm_up_s)
        return np.array([[run.turn(turn_s) for run in runs] for _ in range(rounds)])


def print_table(took_ms: Array) -> None:
    print(f"\n| for a step, against a run {NAMES[0]} | time | processor time |\n|---|---|---|")
    for name, own in zip(NAMES[1:], took_ms[:, 1:].swapaxes(0, 1), strict=True):
        ratios = [estimate_ratio(own[:, i], took_ms[:, 0, i]) for i in range(2)]
        print(f"| {name} | {ratios[0]:.3f} | {ratios[1]:.3f} |")
    print(f"\nThe aim: at most {AIM:g} with a page, 1 without one.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--turn", type=float, default=3.0, help="seconds of a turn")
    parser.add_argument("--warm-up", type=float, default=10.0, help="seconds before the first")
    parser.add_argument("--preset", default=DEFAULT_PRESET, help=f"default {DEFAULT_PRESET}")
    parser.add_argument("--page", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.page:
        asyncio.run(watch(arguments.page))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    settings = settings_for(arguments.preset)
    print_table(measure(settings, arguments.rounds, arguments.turn, arguments.warm_up))


if __name__ == "__main__":
    main()
