"""The network within this machine: the live page's port, and multicast for ROS and Gazebo."""

import contextlib
import os
import shutil
import socket
import webbrowser
from importlib.util import find_spec

from f1_rl.cli.checks.finding import Finding, absent, fail, ok, warn
from f1_rl.errors import told

_HOST = "127.0.0.1"
_GROUP = "239.255.0.7"
_ANSWER_WITHIN_S = 1.0
_GREETING = b"f1_rl"


def port(number: int = 0) -> Finding:
    """Listen on this machine alone, as the live page does, and call that port.

    Args:
        number: Of the port; 0 takes a free one.
    """
    try:
        with socket.create_server((_HOST, number)) as server:
            server.settimeout(_ANSWER_WITHIN_S)
            address = server.getsockname()
            with socket.create_connection(address, _ANSWER_WITHIN_S) as caller:
                with server.accept()[0] as answerer:
                    answerer.sendall(_GREETING)
                caller.settimeout(_ANSWER_WITHIN_S)
                heard = caller.recv(len(_GREETING)) == _GREETING
    except OSError as error:
        return fail(f"port {number} of {_HOST} cannot be used ({told(error)})", _up("lo"))
    if not heard:
        return fail(f"what is sent to {_HOST} does not come back", _up("lo"))
    return ok(f"a page on http://{_HOST}:{address[1]} could be opened")


def multicast() -> Finding:
    """Send a packet to all who listen on the loopback interface, and wait for it."""
    try:
        heard = _hears_itself()
        reason = "" if heard else "nothing comes back"
    except OSError as error:
        heard, reason = False, error.strerror or str(error)
    if heard:
        return ok("on the loopback interface")
    text = f"not on the loopback interface ({reason})"
    remedy = "sudo ip link set lo up multicast on && sudo ip route add 224.0.0.0/4 dev lo"
    if find_spec("rclpy") is None and shutil.which("gz") is None:
        return absent(f"{text}, which only ROS and Gazebo need", remedy)
    return warn(f"{text}: nodes and Gazebo may not find one another", remedy)


def browser() -> Finding:
    """Look for a browser for the live page and the report."""
    over_ssh = "SSH_CONNECTION" in os.environ
    forward = "ssh -L PORT:127.0.0.1:PORT this-machine, then open the address that is printed"
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        if over_ssh:
            return absent("none on this machine", forward)
        if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
            remedy = "set DISPLAY, or open pages and reports on another machine"
            return absent("none can be shown, since there is no display", remedy)
        return absent("none on this machine", "apt install firefox")
    name = getattr(found, "name", type(found).__name__)
    if over_ssh:
        return Finding("ok", f"{name}; you are here over SSH", forward)
    return ok(str(name))


def _hears_itself() -> bool:
    with (
        contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listener,
        contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as speaker,
    ):
        loopback = socket.inet_aton(_HOST)
        listener.bind(("", 0))
        listener.settimeout(_ANSWER_WITHIN_S)
        listener.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(_GROUP) + loopback
        )
        speaker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
        speaker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        speaker.sendto(_GREETING, (_GROUP, listener.getsockname()[1]))
        try:
            return listener.recv(64) == _GREETING
        except TimeoutError:
            return False


def _up(interface: str) -> str:
    return f"sudo ip link set {interface} up"
