"""What `f1-rl doctor` asks about Gazebo: its version, and what draws its pictures."""

import re
import shutil
import tempfile
from pathlib import Path

from f1_rl.cli.checks.finding import Finding, absent, fail, ok, warn
from f1_rl.cli.checks.graphics import INSTALL, NVIDIA_REMEDY, SOFTWARE
from f1_rl.cli.checks.programs import ask

_HARMONIC = 8
_INSTALL = "apt install ros-jazzy-ros-gz (or gz-harmonic)"
_ANSWER_WITHIN_S = 20.0
_DRAW_WITHIN_S = 60.0

_NO_RENDERER_REMEDY = f"{INSTALL}; and look at: gz sim -s -v 4"

# One camera in an empty world: enough for Gazebo to say who draws.
_WORLD = """<?xml version="1.0"?>
<sdf version="1.9">
  <world name="f1_rl_doctor">
    <plugin filename="gz-sim-sensors-system" name="gz::sim::systems::Sensors">
      <render_engine>ogre2</render_engine>
    </plugin>
    <model name="eye">
      <static>true</static>
      <link name="link">
        <sensor name="camera" type="camera">
          <update_rate>100</update_rate>
          <always_on>true</always_on>
          <camera>
            <horizontal_fov>1</horizontal_fov>
            <image><width>16</width><height>16</height></image>
            <clip><near>0.1</near><far>10</far></clip>
          </camera>
        </sensor>
      </link>
    </model>
  </world>
</sdf>
"""


def gazebo() -> Finding:
    """Look for Gazebo Harmonic."""
    path = shutil.which("gz")
    if path is None:
        return absent("no gz command; the embedded simulator is used", _INSTALL)
    told = ask([path, "sim", "--versions"], _ANSWER_WITHIN_S)
    if told is None:
        return fail(f"{path} sim does not answer in {_ANSWER_WITHIN_S:.0f} s", _INSTALL)
    versions = [
        tuple(map(int, version.split(".")))
        for version in re.findall(r"(?m)^\d+\.\d+\.\d+", told.out + told.err)
    ]
    if not versions:
        # The gz of Gazebo Classic, or of the tools alone.
        return absent(f"{path} has no sim; it is another Gazebo", _INSTALL)
    # Of several, gz takes the newest.
    newest = max(versions)
    text = f"gz sim {'.'.join(map(str, newest))}, {path}"
    if newest[0] < _HARMONIC:
        return fail(f"{text}: older than Harmonic (8)", _INSTALL)
    if newest[0] > _HARMONIC:
        return fail(f"{text}: newer than Harmonic (8), which ROS 2 Jazzy speaks", _INSTALL)
    return ok(text)


def renderer() -> Finding:
    """Let Gazebo draw for a moment, without a window, and read in its log what drew.

    Where a part of the driver is missing, Gazebo draws in software and says nothing.
    """
    path = shutil.which("gz")
    if path is None or gazebo().state != "ok":
        return absent("unknown without Gazebo Harmonic")
    with tempfile.TemporaryDirectory(prefix="f1-rl-doctor-") as folder:
        world = Path(folder) / "world.sdf"
        world.write_text(_WORLD, encoding="utf-8")
        command = [path, "sim", "-s", "-r", "--headless-rendering", "--iterations", "20"]
        # Gazebo writes its logs below HOME; nobody else's Gazebo shall hear of this one.
        apart = {"HOME": folder, "GZ_PARTITION": Path(folder).name, "GZ_IP": "127.0.0.1"}
        told = ask([*command, str(world)], _DRAW_WITHIN_S, apart)
        logs = [
            log.read_text(encoding="utf-8", errors="replace")
            for log in sorted((Path(folder) / ".gz" / "rendering").glob("*.log"))
        ]
    names = re.findall(r"GL_RENDERER\s*=\s*(.+)", "\n".join(logs))
    if not names:
        reason = "does not come to an end" if told is None else "tells of no renderer"
        return fail(f"Gazebo {reason}", _NO_RENDERER_REMEDY)
    name = names[-1].strip()
    if not SOFTWARE.search(name):
        return ok(name)
    if shutil.which("nvidia-smi"):
        return warn(f"{name}: in software, though there is a GPU", NVIDIA_REMEDY)
    return ok(f"{name}: in software")
