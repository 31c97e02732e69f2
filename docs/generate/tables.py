"""The action tables and the reward rules."""

from f1_rl.driving.actions import ActionTable, action_table_names, load_action_table
from f1_rl.driving.rewards import RULES
from f1_rl.driving.settings import TaskSettings
from generate import markdown

_ACTIONS = f"""
An action is a forward speed and a yaw rate that are commanded for one control period.
`--set task.actions=NAME` chooses a table, or a YAML file of the same form with one of your own;
`{TaskSettings().actions}` is the default. What a table can drive follows from it: an action of
speed v and yaw rate w turns on a circle of radius v / w. In a table of pedals an action is throttle
or brake, and steering, in shares of what the car of `cars.yaml` can: what is commanded follows from
that and from the car's speed, so cars behind topics need odometry.
"""

_REWARDS = """
`--set task.rewards.NAME=WEIGHT` gives a rule a weight; the reward of a step is the weighted sum. A
function of your own is a rule as well, by the name `FILE.py:FUNCTION`:
[Rewards and settings](../guides/settings.md).
"""


def actions_page() -> str:
    """Return the page of all action tables."""
    sections = []
    for name in action_table_names():
        chosen = load_action_table(name)
        listed = _pedals(chosen) if chosen.needs_speed else _commands(chosen)
        sections.append(f"## {name}\n\n{chosen.description}\n\n{listed}")
    return markdown.page("Action tables", _ACTIONS, *sections)


def _commands(table: ActionTable) -> str:
    rows = [
        [str(index), f"{speed:g}", f"{rate:g}", f"{abs(speed / rate):.2f}" if rate else "-"]
        for index, (speed, rate) in enumerate(table.pairs)
    ]
    return markdown.table(["action", "speed m/s", "yaw rate rad/s", "radius m"], rows)


def _pedals(table: ActionTable) -> str:
    rows = [
        [str(index), f"{max(drive, 0.0) + 0.0:g}", f"{max(-drive, 0.0) + 0.0:g}", f"{steering:g}"]
        for index, (drive, steering) in enumerate(table.pairs)
    ]
    return markdown.table(["action", "throttle", "brake", "steering"], rows)


def rewards_page() -> str:
    """Return the page of all reward rules."""
    usual = TaskSettings().rewards
    rows = [
        [f"`{name}`", f"{usual[name]:g}" if name in usual else "-", markdown.summary(rule)]
        for name, rule in RULES.items()
    ]
    listed = markdown.table(["rule", "default weight", "what it gives"], rows)
    return markdown.page("Reward rules", _REWARDS, listed)
