"""The presets, from their files."""

from f1_rl.learning.runs import DEFAULT_PRESET, PRESETS, preset_names
from f1_rl.settings import read_yaml
from generate import markdown

_INTRODUCTION = f"""
`f1-rl train --preset NAME` begins with these settings in place of the
[defaults](settings.md). Without it the preset follows from the other options: `{DEFAULT_PRESET}` to
drive, `demonstrated` with `--demonstrations`, `offline` with `--offline`, and the one made for an
environment given with `--env`; one that is named replaces these. A YAML file of your own serves as
well.
"""


def page() -> str:
    """Return the page of all presets."""
    sections = []
    for name in preset_names():
        path = PRESETS / f"{name}.yaml"
        file = markdown.block(path.read_text("utf-8"), "yaml")
        sections.append(f"## {name}\n\n{read_yaml(path)['description']}\n\n{file}")
    return markdown.page("Presets", _INTRODUCTION, *sections)
