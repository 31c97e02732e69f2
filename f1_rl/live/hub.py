"""Between what is watched and the pages that watch: the newest of everything, for any thread."""

import json
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from f1_rl.live.requests import read_request
from f1_rl.live.snapshot import Message, Moment, Scene, plain

# Of a long run, a page that opens gets no more rows of each table than it can draw.
_MOST_ROWS = 1_500
_MOST_REQUESTS = 64
# Moments on their way to a page; the next follows when it has shown one.
_MOST_UNSEEN = 2


class Hub:
    """Keeps what pages are to show and what they ask for.

    Nothing is drawn, encoded or sent here: that is done in the server's thread, for pages that are
    open. Every method may be called by any thread and returns at once.
    """

    def __init__(self) -> None:
        """Begin with nothing to show and nobody watching."""
        self._lock = threading.Lock()
        self._scene: Scene | None = None
        self._moment: Moment | None = None
        self._moment_text: tuple[Moment | None, str] = (None, "")
        self._rows: list[Message] = []
        self._end: str | None = None
        self._requests: deque[dict[str, Any]] = deque(maxlen=_MOST_REQUESTS)
        self._watchers: set[Watcher] = set()

    @property
    def watched(self) -> bool:
        """Whether a page is open."""
        return bool(self._watchers)

    @property
    def awaited(self) -> bool:
        """Whether a page is ready for another moment; one in a hidden tab is not."""
        return any(watcher.awaits for watcher in self._watchers)

    @property
    def scene(self) -> Scene | None:
        """What stays the same from moment to moment, as it was set last."""
        return self._scene

    def set_scene(self, scene: Scene) -> None:
        """Change what stays the same from moment to moment; the moment before is forgotten."""
        with self._lock:
            self._scene, self._moment = scene, None
        self._wake()

    def show(self, moment: Moment) -> None:
        """Show a moment in place of the one before, seen or not."""
        self._moment = moment
        self._wake()

    def add_rows(self, rows: Sequence[Message]) -> None:
        """Add rows to the curves; each has a `table` and an `env_step` beside its figures."""
        with self._lock:
            self._rows += [plain(row) for row in rows]
        self._wake()

    def end(self, sentence: str) -> None:
        """Say that nothing more will come, and what came of it."""
        self._end = sentence
        self._wake()

    def take_messages(self) -> list[dict[str, Any]]:
        """Return what pages have asked for since the last call, the oldest first, checked."""
        with self._lock:
            taken = list(self._requests)
            self._requests.clear()
        return taken

    def join(self, wake: Callable[[], None]) -> "Watcher":
        """Let a page watch.

        Args:
            wake: Is called by any thread when there may be something new to take.
        """
        watcher = Watcher(self, wake)
        with self._lock:
            self._watchers = {*self._watchers, watcher}
        return watcher

    def leave(self, watcher: "Watcher") -> None:
        """Let a page watch no longer; one that had left already may leave again."""
        with self._lock:
            self._watchers = self._watchers - {watcher}

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.wake()

    def _receive(self, request: dict[str, Any]) -> None:
        with self._lock:
            # Of a wheel that is turned, only where it stands now matters.
            newest = self._requests[-1] if self._requests else None
            if newest is not None and _is_same_wheel(newest, request):
                self._requests.pop()
            self._requests.append(request)

    def _news(
        self, known_rows: int
    ) -> tuple[Scene | None, Moment | None, list[Message], int, str | None]:
        with self._lock:
            rows, count = self._rows[known_rows:], len(self._rows)
            return self._scene, self._moment, rows, count, self._end

    def _encode(self, moment: Moment) -> str:
        """Return a moment as JSON; several pages share it. For the server's thread alone."""
        if self._moment_text[0] is not moment:
            self._moment_text = moment, json.dumps(moment.as_message())
        return self._moment_text[1]


class Watcher:
    """One page: what it has been sent, and what not. For the server's thread alone."""

    def __init__(self, hub: Hub, wake: Callable[[], None]) -> None:
        """Watch a hub; `Hub.join` makes one."""
        self.wake = wake
        self._hub = hub
        self._scene: Scene | None = None
        self._moment: Moment | None = None
        self._num_rows = 0
        self._unseen = 0
        self._ended = False

    @property
    def awaits(self) -> bool:
        """Whether the page has shown what it was sent, up to the last one."""
        return self._unseen < _MOST_UNSEEN

    def take(self) -> list[str]:
        """Return what the page is to be sent now, as JSON.

        Of moments the newest, and none while it has not shown those it was sent: a page that is
        slow, or far away, skips moments and never falls behind.
        """
        scene, moment, rows, self._num_rows, end = self._hub._news(self._num_rows)
        texts = []
        if scene is not None and scene is not self._scene:
            self._scene = scene
            texts.append(json.dumps(scene.as_message()))
        if rows:
            texts.append(json.dumps({"type": "curve", "rows": _thinned(rows)}))
        if moment is not None and moment is not self._moment and self.awaits:
            self._moment = moment
            self._unseen += 1
            texts.append(self._hub._encode(moment))
        if end is not None and not self._ended:
            self._ended = True
            texts.append(json.dumps({"type": "end", "status": end}))
        return texts

    def receive(self, text: str) -> None:
        """Take a message of the page.

        Raises:
            RequestError: It cannot be followed.
        """
        request = read_request(text, self._hub.scene)
        if request["type"] == "seen":
            self._unseen = max(0, self._unseen - 1)
            self.wake()
        else:
            self._hub._receive(request)


def _is_same_wheel(request: dict[str, Any], later: dict[str, Any]) -> bool:
    both = (request, later)
    return all(each["type"] == "input" for each in both) and bool(
        request.get("page") == later.get("page")
    )


def _thinned(rows: list[Message]) -> list[Message]:
    """Return rows of which no table has more than a page can draw, the last one of each kept."""
    kept: list[Message] = []
    for table in dict.fromkeys(row["table"] for row in rows):
        own = [row for row in rows if row["table"] == table]
        stride = math.ceil(len(own) / _MOST_ROWS)
        kept += own[::-1][::stride][::-1]
    return kept
