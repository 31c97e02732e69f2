"""`f1-rl drive` on the live page: until Ctrl-C, by the policy or by hand."""

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from f1_rl.cli import options
from f1_rl.cli.errors import CommandError
from f1_rl.driving.settings import TaskSettings

if TYPE_CHECKING:
    from f1_rl.live.session import Session
    from f1_rl.policy import Policy

GHOSTS_NAME = "ghosts.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the page."""
    page = parser.add_argument_group(
        "live page",
        "The policy drives, you drive with keyboard, gamepad or touch, or you race it, until "
        "Ctrl-C. This is the usual way in a terminal; with --laps, --video, --no-video, --trace or "
        "--json, and where there is no terminal, the policy drives laps without a page.",
    )
    options.add_watch(page, "open the page, also where there is no terminal")
    page.add_argument(
        "--ghosts",
        type=Path,
        metavar="FILE",
        help=f"where the best laps are kept (default: {GHOSTS_NAME} in the RUN, or here)",
    )
    page.add_argument(
        "--bags",
        type=Path,
        metavar="DIR",
        default=None,
        help="where recorded drives are put, each a rosbag2 bag (default: here)",
    )


def is_asked_for(arguments: argparse.Namespace) -> bool:
    """Return whether an option speaks of the page."""
    given = (arguments.watch_port, arguments.ghosts, arguments.bags)
    return bool(arguments.watch) or any(value is not None for value in given)


def drive_live(
    arguments: argparse.Namespace, settings: TaskSettings, policy: "Policy | None"
) -> int:
    """Serve the page and drive until Ctrl-C.

    Args:
        arguments: Of the command line.
        settings: The task.
        policy: Drives; None: a person alone does.

    Raises:
        LiveError: The page cannot be served.
        CommandError: The folder of the bags does not exist.
    """
    from f1_rl.live.browser import invitation, open_page
    from f1_rl.live.hub import Hub
    from f1_rl.live.server import LiveServer
    from f1_rl.live.session import Session

    bags = arguments.bags or Path()
    if not bags.is_dir():
        raise CommandError(f"--bags {bags}: is no folder; make it, or choose another.")
    folder = Path() if arguments.policy is None else arguments.policy
    hub = Hub()
    session = Session(
        hub,
        settings,
        policy,
        ghosts=arguments.ghosts or folder / GHOSTS_NAME,
        bags=bags,
        title="Drive by hand" if policy is None else f"Drive {folder.resolve().name}",
    )
    if session.ghosts.warning:
        print(f"f1-rl: {session.ghosts.warning}", file=sys.stderr)
    with LiveServer(hub, arguments.watch_port or 0) as server:
        print(invitation(server.url), "Ctrl-C ends it.", sep="\n", flush=True)
        open_page(server.url)
        with _stopped_by_signals() as stop:
            session.run(stop)
        hub.end("The drive has ended.")
    _tell(session)
    return 0


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Yield what Ctrl-C and a terminate signal set."""
    stop = threading.Event()

    def on_signal(*_: object) -> None:
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _tell(session: "Session") -> None:
    """Say what the drive has left."""
    for bag in session.recorder.bags:
        print(f"  {bag}  a recorded drive; learn from it: f1-rl train --demonstrations {bag}")
    if session.ghosts.path.is_file():
        print(f"  {session.ghosts.path}  the best laps, for the next drive")
