"""Bringing a person to the live page."""

import os
import socket
import webbrowser
from collections.abc import Mapping
from urllib.parse import urlsplit


def invitation(url: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the sentence that says where the page is, through SSH too."""
    text = f"Watch it at {url}"
    if "SSH_CONNECTION" not in environment:
        return text
    port = urlsplit(url).port
    tunnel = f"ssh -L {port}:localhost:{port} {socket.gethostname()}"
    return f"{text} (on your own machine, {tunnel} first)"


def open_page(url: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Open the page in a browser where there is a display, and return whether it was tried."""
    has_display = "DISPLAY" in environment or "WAYLAND_DISPLAY" in environment
    return has_display and webbrowser.open(url)
