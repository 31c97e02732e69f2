"""`--watch`: the live page of a training run."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from f1_rl.learning.runs import RunSettings
    from f1_rl.live.spectator import TrainingSpectator


@contextlib.contextmanager
def watching(
    arguments: argparse.Namespace, settings: "RunSettings", folder: Path, say: Callable[[str], None]
) -> Iterator["TrainingSpectator | None"]:
    """Serve the live page of a run, where it is asked for.

    The page stays until the block is left.

    Args:
        arguments: Of the command line.
        settings: Of the run.
        folder: Of the run.
        say: Prints a sentence, unless the output is to be JSON.

    Yields:
        What the trainer shows itself to; None: nothing was asked for.

    Raises:
        LiveError: The page cannot be served.
    """
    if not arguments.watch and arguments.watch_port is None:
        yield None
        return
    from f1_rl.driving.settings import told_circuits
    from f1_rl.live.browser import invitation, open_page
    from f1_rl.live.hub import Hub
    from f1_rl.live.server import LiveServer
    from f1_rl.live.spectator import TrainingSpectator

    hub = Hub()
    what = told_circuits(settings.task.circuits) if settings.drives else settings.env
    spectator = TrainingSpectator(hub, f"{folder.name}: {what}", settings.training.env_steps)
    with LiveServer(hub, arguments.watch_port or 0) as server:
        if arguments.json:
            print(invitation(server.url), file=sys.stderr)
        say(invitation(server.url))
        open_page(server.url)
        try:
            yield spectator
        except BaseException:
            hub.end("The run was broken off; the terminal says why.")
            raise
