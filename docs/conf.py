"""How Sphinx builds the site; `make docs` does it, into build/docs."""

import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS)]

from generate import write_reference  # noqa: E402

import f1_rl  # noqa: E402

write_reference(DOCS / "reference")

project = "f1_rl"
author = "f1_rl developers"
copyright = author
release = version = f1_rl.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["generate"]
default_role = "code"
nitpicky = True
# Short names in signatures: modules may each have a class of the same name.
suppress_warnings = ["ref.python"]
# Names of other packages, whose documentation is not asked over the network, and type variables.
nitpick_ignore_regex = [(r"py:.*", r"(?!f1_rl\.).*|f1_rl\..*\.[A-Z]")]

myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
maximum_signature_line_length = 88
# Also where they are installed, so that the site is the same everywhere.
autodoc_mock_imports = [
    *("tensorflow", "tensorflow_probability", "tf_agents", "tf_keras", "tensorboard"),
    *("rclpy", "builtin_interfaces", "cv_bridge", "diagnostic_msgs", "geometry_msgs"),
    *("lifecycle_msgs", "nav_msgs", "rcl_interfaces", "ros_gz_interfaces", "rosgraph_msgs"),
    *("rosidl_runtime_py", "sensor_msgs", "std_msgs", "std_srvs", "tf2_msgs"),
    *("ament_index_python", "gym", "launch", "launch_ros", "pygame", "rosbag2_py"),
]
napoleon_use_ivar = True
napoleon_attr_annotations = False

_ARRAY = r"~?numpy\.ndarray\[.*?, ~?numpy\.dtype\[~?numpy\.(\w+?)_?\]\]"

html_theme = "furo"
html_title = f"f1_rl {release}"
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]


def mark_headings(*args: Any) -> None:
    """Make headings of the Markdown ones in a docstring, which Gymnasium's environments have."""
    lines: list[str] = args[-1]
    for index, line in enumerate(lines):
        lines[index] = re.sub(r"^## (.*)$", r".. rubric:: \1\n", line)
    lines[:] = "\n".join(lines).split("\n")


def shorten_types(*args: Any) -> tuple[str, str] | None:
    """Write arrays in a signature as the package's code does: `FloatArray`, not all of NumPy's."""
    signature, returned = (re.sub(_ARRAY, _array_name, text or "") for text in args[-2:])
    return (signature, returned) if signature else None


def _array_name(match: re.Match[str]) -> str:
    names = {"float64": "Float", "int64": "Int", "bool": "Bool", "uint8": "UInt8"}
    return f"{names[match[1]]}Array" if match[1] in names else f"NDArray[{match[1]}]"


def setup(app: Any) -> dict[str, bool]:
    """Join Sphinx's events."""
    app.connect("autodoc-process-docstring", mark_headings)
    app.connect("autodoc-process-signature", shorten_types)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
