"""What a page may ask for, checked before anything follows it."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from f1_rl.live.snapshot import Scene

_Share = Annotated[float, Meta(ge=-1.0, le=1.0)]
_Name = Annotated[str, Meta(max_length=200)]


class RequestError(ValueError):
    """A message of a page that cannot be followed; says why."""


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """A message of a page, named by its `type`."""


class _Input(_Request, frozen=True, tag="input", omit_defaults=True):
    throttle: _Share
    steer: _Share
    page: _Name = ""


class _Mode(_Request, frozen=True, tag="mode"):
    value: _Name


class _Circuit(_Request, frozen=True, tag="circuit"):
    value: _Name


class _Restart(_Request, frozen=True, tag="restart"):
    pass


class _Pause(_Request, frozen=True, tag="pause"):
    value: bool


class _Record(_Request, frozen=True, tag="record"):
    value: bool


class _Seen(_Request, frozen=True, tag="seen"):
    """A page has shown the moment that it was sent."""


_DECODER = msgspec.json.Decoder(_Input | _Mode | _Circuit | _Restart | _Pause | _Record | _Seen)


def read_request(text: str, scene: Scene | None) -> dict[str, Any]:
    """Return the message of a page as a plain dictionary with its `type`.

    Raises:
        RequestError: It is none of those that a page may send, or asks for what is not offered.
    """
    try:
        request = _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RequestError(f"The message was not understood: {error}.") from error
    if isinstance(request, _Seen):
        return {"type": "seen"}
    if scene is None or not scene.modes:
        raise RequestError("There is nothing to steer here: this page only watches.")
    if isinstance(request, _Mode):
        _check_offered("mode", request.value, scene.modes)
    if isinstance(request, _Circuit):
        _check_offered("circuit", request.value, scene.circuits)
    found: dict[str, Any] = msgspec.to_builtins(request)
    return found


def _check_offered(what: str, value: str, offered: tuple[str, ...]) -> None:
    if value not in offered:
        raise RequestError(
            f"There is no {what} {value!r} here; choose one of {', '.join(offered)}."
        )
