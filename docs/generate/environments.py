"""The environment ids and their spaces."""

from typing import Any

import gymnasium

import f1_rl.driving.registration as registration
from f1_rl.driving.environment import F1CameraEnv
from f1_rl.settings import merge
from generate import markdown

_INTRODUCTION = """
`import f1_rl` registers these with Gymnasium. [Your own learner](../guides/gymnasium.md) shows
their use; the docstring of `f1_rl.driving.environment.F1CameraEnv` says what observation, actions,
rewards and endings are.
"""

# Options that change a space, and what they do.
_VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"observation": {"speed": True}},
    {"observation": {"frame_stack": 4}},
    {"actions": "nine"},
)


def page() -> str:
    """Return the page of all environments."""
    rows = [
        [f"`{name}`", f"`{gymnasium.spec(name).entry_point}`", places]
        for name, places in (
            (registration.CAMERA_ID, "in the embedded simulator"),
            (registration.CAMERA_ROS_ID, "behind ROS 2 topics; the same spaces"),
        )
    ]
    ids = markdown.table(["id", "class", "where the cars are"], rows)
    spaces = [_spaces(options) for options in _VARIANTS]
    headings = ["options", "observation space", "action space"]
    modes = ", ".join(f"`{mode}`" for mode in F1CameraEnv.metadata["render_modes"])
    return markdown.page(
        "Environments",
        _INTRODUCTION,
        ids,
        f"## Spaces\n\n{markdown.table(headings, spaces)}",
        f"Render modes: {modes}.",
    )


def _spaces(options: dict[str, Any]) -> list[str]:
    env = gymnasium.make(registration.CAMERA_ID, **merge({}, options))
    try:
        words = ", ".join(f"{name}={value!r}" for name, value in options.items())
        return [
            markdown.code(words) or "none",
            markdown.code(str(env.observation_space)),
            markdown.code(str(env.action_space)),
        ]
    finally:
        env.close()
