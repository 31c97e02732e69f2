"""Action tables: those of the package, one's own, and what is refused."""

import numpy as np
import pytest

from f1_rl.driving.actions import ActionTable, action_table_names, load_action_table
from f1_rl.settings import SettingsError


@pytest.mark.parametrize("name", action_table_names())
def test_tables_of_the_package_hold_different_actions_that_mirror_each_other(name):
    table = load_action_table(name)
    pairs = set(table.pairs)
    assert len(pairs) == len(table)
    assert {(speed, -yaw_rate) for speed, yaw_rate in pairs} == pairs
    assert table.description


@pytest.mark.parametrize("name", action_table_names())
def test_names_of_actions_tell_them_apart(name):
    names = load_action_table(name).action_names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "size"), [("simple", 3), ("medium", 5), ("hard", 7), ("nine", 9)])
def test_the_tables_of_the_field_have_their_sizes(name, size):
    assert len(load_action_table(name)) == size


def test_commands_limits_and_names_follow_from_the_pairs():
    table = ActionTable("mine", "", ((3.0, 0.0), (2.0, 0.5), (1.5, -1.25)))
    np.testing.assert_array_equal(table.commands, [[3.0, 0.0], [2.0, 0.5], [1.5, -1.25]])
    assert (table.max_speed_mps, table.max_yaw_rate_radps) == (3.0, 1.25)
    assert table.action_names == ("3.0 m/s, straight", "2.0 m/s, left 0.5", "1.5 m/s, right 1.2")


def test_mirrored_actions_are_as_fast_and_turn_the_other_way():
    table = ActionTable("mine", "", ((2.0, -1.5), (3.0, 0.0), (2.0, 1.5)))
    assert table.mirrored_actions() == (2, 1, 0)


def test_an_action_without_a_mirror_image_is_named():
    table = ActionTable("mine", "", ((3.0, 0.0), (2.0, 1.0), (1.0, -1.0)))
    with pytest.raises(SettingsError, match=r"'mine' holds no mirror image of 2.0 m/s, left 1.0"):
        table.mirrored_actions()


def test_a_table_is_read_from_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("slow:\n  description: Mine.\n  actions: [[1, 0.2], [1, -0.2]]\n")
    table = load_action_table(str(path))
    assert table.name == "slow"
    assert table.pairs == ((1.0, 0.2), (1.0, -0.2))


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ("[[1, 1], [1, 1]]", "two or more different"),
        ("[[1, 1]]", "two or more different"),
        ("[]", "two or more different"),
        ("[[1, .nan], [1, 1]]", "not finite"),
        ("[[.inf, 0], [1, 1]]", "not finite"),
        ("[[0, 1], [0, -1]]", "cannot drive"),
        ("[[1, 0], [2, 0]]", "cannot drive"),
        ("[[1, 0, 2], [2, 0, 2]]", "a list of 2 entries"),
        ("[[1, fast], [2, 0]]", "give a number"),
    ],
)
def test_tables_that_cannot_be_driven_are_refused(tmp_path, pairs, reason):
    path = tmp_path / "mine.yaml"
    path.write_text(f"mine:\n  description: Mine.\n  actions: {pairs}\n")
    with pytest.raises(SettingsError, match=reason):
        load_action_table(str(path))


def test_an_unknown_table_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"no action table 'rcing'.*racing"):
        load_action_table("rcing")


def test_a_missing_file_and_a_file_of_two_tables_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_action_table(str(tmp_path / "none.yaml"))
    entry = "{description: '', actions: [[1, 0], [1, 1]]}"
    path = tmp_path / "two.yaml"
    path.write_text(f"one: {entry}\ntwo: {entry}\n")
    with pytest.raises(SettingsError, match="holds 2 action tables"):
        load_action_table(str(path))
