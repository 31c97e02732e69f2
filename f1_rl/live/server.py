"""The web server of the live page, for browsers on this machine."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from importlib import resources
from types import TracebackType
from urllib.parse import urlsplit

from f1_rl.live.errors import LiveError
from f1_rl.live.hub import Hub, Watcher
from f1_rl.live.requests import RequestError
from f1_rl.reporting.palette import style_variables

try:
    from aiohttp import WSCloseCode, WSMsgType, web
    from aiohttp.typedefs import Handler
except ModuleNotFoundError as error:
    raise LiveError(
        "the live page needs aiohttp; install it with pip install 'f1_rl[live]'."
    ) from error

_LOG = logging.getLogger(__name__)

HOST = "127.0.0.1"
_LAST_PORT = 65_535
# By which a browser calls this machine, through a tunnel of SSH too.
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Another version may be served here tomorrow.
    "Cache-Control": "no-store",
}
_LONGEST_REQUEST_BYTES = 4_096
# A page that hears nothing for longer takes the connection for lost.
_SIGN_OF_LIFE_S = 4.0
_GOODBYE_S = 2.0


class LiveServer:
    """Serves the page of a hub on this machine, in a thread of its own, as a context manager.

    Only the loopback interface is listened to, and a request that another web site makes the
    browser send is refused by its `Host` (DNS rebinding) or `Origin` (cross-site WebSockets).
    """

    def __init__(self, hub: Hub, port: int = 0) -> None:
        """Prepare.

        Args:
            hub: Of what is to be shown.
            port: To listen at; 0: any that is free.

        Raises:
            ValueError: There is no such port.
        """
        if not 0 <= port <= _LAST_PORT:
            raise ValueError(f"Port {port}: give one from 0 to {_LAST_PORT}")
        self._hub = hub
        self._port = port
        self._files = _page_files()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._failure: OSError | None = None
        self._pages: dict[asyncio.Task[None], asyncio.Event] = {}
        self._thread = threading.Thread(target=self._run, name="live page", daemon=True)

    @property
    def url(self) -> str:
        """Where the page is, once the server runs."""
        return f"http://{HOST}:{self._port}/"

    def __enter__(self) -> "LiveServer":
        """Listen.

        Raises:
            LiveError: The port cannot be used.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise LiveError(
                f"port {self._port}: the live page cannot be served there "
                f"({_reason(self._failure)}); choose another port, or 0 for any that is free."
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Send the pages what they lack, say goodbye, and end the thread."""
        self._call_soon(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        application = web.Application(middlewares=[_refuse_others])
        application.router.add_get("/ws", self._on_page)
        application.router.add_get("/{name:.*}", self._on_file)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GOODBYE_S)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, self._port)
            await site.start()
            self._port = runner.addresses[0][1]
            self._ready.set()
            await self._stop.wait()
            await self._say_goodbye()
        finally:
            await runner.cleanup()

    async def _say_goodbye(self) -> None:
        for news in self._pages.values():
            news.set()
        if self._pages:
            await asyncio.wait(tuple(self._pages), timeout=_GOODBYE_S)

    async def _on_file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"] or "index.html"
        if name not in self._files:
            raise web.HTTPNotFound(text=f"There is no {name} here.")
        content_type, content = self._files[name]
        return web.Response(
            body=content, content_type=content_type, charset="utf-8", headers=_HEADERS
        )

    async def _on_page(self, request: web.Request) -> web.WebSocketResponse:
        # Pictures are compressed already.
        socket = web.WebSocketResponse(
            heartbeat=20.0, max_msg_size=_LONGEST_REQUEST_BYTES, compress=False
        )
        await socket.prepare(request)
        news = asyncio.Event()
        news.set()
        watcher = self._hub.join(lambda: self._call_soon(news.set))
        telling = asyncio.create_task(self._tell(socket, watcher, news))
        self._pages[telling] = news
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await _receive(socket, watcher, message.data)
        finally:
            self._hub.leave(watcher)
            del self._pages[telling]
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling
        return socket

    async def _tell(
        self, socket: web.WebSocketResponse, watcher: Watcher, news: asyncio.Event
    ) -> None:
        """Send a page what is new, as long as it is there, and goodbye at the end."""
        try:
            while not socket.closed:
                try:
                    await asyncio.wait_for(news.wait(), _SIGN_OF_LIFE_S)
                except asyncio.TimeoutError:
                    await socket.send_json({"type": "alive"})
                news.clear()
                for text in watcher.take():
                    await socket.send_str(text)
                if self._stop.is_set():
                    await socket.close(code=WSCloseCode.GOING_AWAY)
        except ConnectionError:
            _LOG.debug("a page is gone", exc_info=True)
        except Exception:
            _LOG.exception("a page could not be told what is new")
            await socket.close(code=WSCloseCode.INTERNAL_ERROR)

    def _call_soon(self, function: Callable[[], None]) -> None:
        """Have the server's thread call a function, unless it has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)


async def _receive(socket: web.WebSocketResponse, watcher: Watcher, text: str) -> None:
    try:
        watcher.receive(text)
    except RequestError as error:
        await socket.send_json({"type": "refused", "reason": str(error)})


@web.middleware
async def _refuse_others(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what other web sites make a browser ask for."""
    host = request.headers.get("Host", "")
    if _name(f"//{host}") not in _OWN_NAMES:
        raise web.HTTPForbidden(
            text=f"The live page is at localhost, not at {host!r}; open it by that name, through "
            "ssh -L from elsewhere."
        )
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        raise web.HTTPForbidden(text=f"A page of {origin!r} may not use the live page.")
    response: web.StreamResponse = await handler(request)
    return response


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _page_files() -> dict[str, tuple[str, bytes]]:
    """Return the files of the page: content type and content by name."""
    files = {"colours.css": ("text/css", style_variables().encode())}
    for entry in resources.files("f1_rl.live").joinpath("page").iterdir():
        content_type = _CONTENT_TYPES.get(os.path.splitext(entry.name)[1])  # noqa: PTH122
        if content_type is not None:
            files[entry.name] = (content_type, entry.read_bytes())
    return files


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
