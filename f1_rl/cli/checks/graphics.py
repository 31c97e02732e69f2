"""OpenGL: what would draw without a window, and whether there is a display."""

import json
import os
import re
import shutil
import socket
import sys

from f1_rl.cli.checks.finding import Finding, absent, ok, warn
from f1_rl.cli.checks.programs import ask

# Renderers of Mesa and Microsoft that compute on the CPU.
SOFTWARE = re.compile(r"llvmpipe|softpipe|swrast|swr |software|basic render", re.IGNORECASE)
NVIDIA_REMEDY = (
    "install libnvidia-gl of your driver; in a container: --gpus all and "
    "NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility"
)
INSTALL = "apt install libegl1 libgl1-mesa-dri"
_ANSWER_WITHIN_S = 30.0
_ASK = [sys.executable, "-m", "f1_rl.cli.checks.egl"]


def opengl() -> Finding:
    """Ask EGL who would draw the pictures of a Gazebo without a window."""
    ended = ask(_ASK, _ANSWER_WITHIN_S)
    if ended is None:
        return warn("EGL does not answer", f"{INSTALL}; and look at: eglinfo -B")
    if ended.status != 0:
        return absent(f"no EGL ({ended.reason}): Gazebo needs a display to draw", INSTALL)
    names = json.loads(ended.out)
    if not names:
        return absent("EGL is here, but no driver that draws", INSTALL)
    return drawn_by(names)


def drawn_by(names: list[str]) -> Finding:
    """Return what to think of some renderers, the first of which draws."""
    hardware = [name for name in names if not SOFTWARE.search(name)]
    if hardware:
        return ok(f"EGL draws with {', '.join(hardware)}")
    if shutil.which("nvidia-smi"):
        return warn(f"{names[0]}: in software, though there is a GPU", NVIDIA_REMEDY)
    return ok(f"EGL draws with {names[0]}: in software")


def display() -> Finding:
    """Look for a display, which windows need: Gazebo's, RViz's, and OGRE 1 without EGL."""
    if os.environ.get("WAYLAND_DISPLAY"):
        return ok(f"Wayland, {os.environ['WAYLAND_DISPLAY']}")
    name = os.environ.get("DISPLAY", "")
    start = "Xvfb :99 -screen 0 1280x1024x24 & export DISPLAY=:99"
    if not name:
        install = "" if shutil.which("Xvfb") else "apt install xvfb; "
        return absent("none; needed for gui:=true, RViz and OGRE 1 alone", f"{install}{start}")
    if not _answers(name):
        return warn(f"DISPLAY is {name}, where nobody answers", f"unset DISPLAY, or: {start}")
    program = shutil.which("glxinfo")
    ended = ask([program, "-B"], _ANSWER_WITHIN_S) if program else None
    drawn = re.search(r"OpenGL renderer string: (.+)", ended.out) if ended else None
    return ok(f"{name}{', drawn by ' + drawn[1] if drawn else ''}")


def _answers(name: str) -> bool:
    """Return whether the X server of a DISPLAY takes calls; one elsewhere is believed to."""
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", name)
    if local is None:
        return True
    path = f"/tmp/.X11-unix/X{local[1]}"
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as caller:
            try:
                caller.connect(address)
                return True
            except OSError:
                continue
    return False
