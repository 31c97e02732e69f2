"""Settings: what is checked, how trees are merged, what the command line and YAML give."""

import math
from dataclasses import dataclass
from typing import Literal

import pytest
import yaml

from f1_rl.settings import (
    FiniteFloat,
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Settings,
    SettingsError,
    build_settings,
    merge,
    parse_assignment,
    read_yaml,
    write_yaml,
)


@dataclass(frozen=True)
class Lens:
    focus_m: float = 1.0
    name: str = "plain"

    def __post_init__(self) -> None:
        if self.focus_m <= 0.0:
            raise ValueError("focus_m must be above 0")


class Inner(Settings, frozen=True):
    share: Fraction = 0.5
    kind: Literal["a", "b"] = "a"
    lens: Lens = Lens()


class Outer(Settings, frozen=True):
    count: PositiveInt = 1
    rest: NonNegativeInt = 0
    rate: PositiveFloat = 1.0
    offset: NonNegativeFloat = 0.0
    bias: FiniteFloat = 0.0
    inner: Inner = Inner()
    weights: dict[str, FiniteFloat] = {}  # noqa: RUF012
    pair: tuple[float, float] = (0.0, 1.0)
    limit: PositiveFloat | None = None


def test_values_are_taken_and_the_rest_has_its_defaults():
    made = build_settings(Outer, {"count": 3, "inner": {"lens": {"focus_m": 2}}, "pair": [1, 2]})
    assert made == Outer(count=3, inner=Inner(lens=Lens(2.0)), pair=(1.0, 2.0))
    assert isinstance(made.inner.lens.focus_m, float)


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        Outer().count = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"cuont": 1}, "cuont"),
        ({"inner": {"shere": 0.1}}, "inner.*shere"),
        ({"inner": {"lens": {"fokus_m": 1.0}}}, "inner.lens.fokus_m"),
        ({"count": "3"}, "count is '3'; give a whole number"),
        ({"count": 3.5}, "count is 3.5; give a whole number"),
        ({"count": True}, "count is true; give a whole number"),
        ({"rate": "fast"}, "rate is 'fast'; give a number"),
        ({"count": 0}, "count is 0; give a whole number of at least 1"),
        ({"rest": -1}, "rest is -1; give a whole number of at least 0"),
        ({"rate": 0.0}, "rate is 0.0; give a number above 0"),
        ({"offset": -0.1}, "offset is -0.1; give a number of at least 0"),
        ({"rate": math.inf}, "rate is inf; give a number that is finite"),
        ({"rate": math.nan}, "rate is nan; give a number above 0"),
        ({"bias": -math.inf}, "bias is -inf; give a number that is finite"),
        ({"bias": math.nan}, "bias is nan; give a number that is finite"),
        ({"inner": {"share": 1.1}}, "inner.share is 1.1; give a number of at most 1"),
        ({"inner": {"share": math.nan}}, "inner.share is nan; give a number"),
        ({"inner": {"kind": "c"}}, "inner.kind is 'c'; give one of a, b"),
        ({"inner": {"lens": {"focus_m": -1.0}}}, "inner.lens: focus_m must be above 0"),
        ({"inner": {"lens": {"focus_m": "far"}}}, "inner.lens.focus_m is 'far'; give a number"),
        ({"inner": None}, "inner is null; give a mapping"),
        ({"weights": {"a": "b"}}, r"weights\.a is 'b'; give a number"),
        ({"weights": {"a": 1.0, "b": math.inf}}, r"weights\.b is inf; give a number that"),
        ({"weights": {"my.py:f": "b"}}, r"weights\.my\.py:f: give a number"),
        ({"weights": {1: 2.0}}, "a name in weights is no name; give text"),
        ({"pair": [1.0]}, "pair is a list; give a list of 2 entries"),
        ([1, 2], "it is a list; give a mapping"),
        (None, "it is null; give a mapping"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_in_one_sentence(values, where):
    with pytest.raises(SettingsError, match=f"^file.yaml: .*{where}") as caught:
        build_settings(Outer, values, "file.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert "`" not in message
    assert message.endswith(".")


def test_none_is_a_value_where_it_is_allowed():
    assert build_settings(Outer, {"limit": None}).limit is None
    assert build_settings(Outer, {"limit": 2}).limit == 2.0


def test_settings_survive_being_written_out(tmp_path):
    made = build_settings(Outer, {"weights": {"a": 1e-9, "b": 2}, "limit": 0.1, "pair": [3, 4]})
    assert build_settings(Outer, made.as_dict()) == made
    write_yaml(tmp_path / "config.yaml", made.as_dict())
    assert build_settings(Outer, read_yaml(tmp_path / "config.yaml")) == made
    # Other programs read the file too.
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["weights"] == {"a": 1e-9, "b": 2}


def test_merging_goes_mapping_by_mapping_and_leaves_its_arguments_alone():
    base = {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2], "f": 3}
    changes = {"a": {"c": {"g": 4}}, "e": [5], "f": {"h": 6}, "i": 7}
    assert merge(base, changes) == {
        "a": {"b": 1, "c": {"d": 2, "g": 4}},
        "e": [5],
        "f": {"h": 6},
        "i": 7,
    }
    assert base == {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2], "f": 3}
    assert changes["a"] == {"c": {"g": 4}}
    assert merge({"a": {"b": 1}}, {"a": None}) == {"a": None}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("agent.gamma=0.9", {"agent": {"gamma": 0.9}}),
        ("seed=3", {"seed": 3}),
        ("a.b.c=[1, x]", {"a": {"b": {"c": [1, "x"]}}}),
        ("rewards={progress: 1.0}", {"rewards": {"progress": 1.0}}),
        ("a=none", {"a": "none"}),
        ("a=null", {"a": None}),
        ("a=", {"a": None}),
        ("a=b=c", {"a": "b=c"}),
        ("a=yes", {"a": True}),
        (" a =1", {"a": 1}),
        # In YAML 1.1 these would be strings.
        ("rate=1e-3", {"rate": 0.001}),
        ("rate=-2E+4", {"rate": -20000.0}),
        (
            "rates=[1.5e3, 2.5E5, -.5e1, 5.e-1, 1.5e+3]",
            {"rates": [1500.0, 250000.0, -5.0, 0.5, 1500.0]},
        ),
        ("names=[e3, .e3, 1.5e, 1.2.3e4]", {"names": ["e3", ".e3", "1.5e", "1.2.3e4"]}),
        ("rates=[1e-3, 5e3]", {"rates": [0.001, 5000.0]}),
        ("name='1e-3'", {"name": "1e-3"}),
        ("name=1e", {"name": "1e"}),
    ],
)
def test_assignments_are_read_as_yaml(text, tree):
    assert parse_assignment(text) == tree


@pytest.mark.parametrize("text", ["gamma", "=1", "a..b=1", ".a=1", "a.=1", ""])
def test_assignments_without_a_name_or_value_are_refused(text):
    with pytest.raises(SettingsError, match="write it as name=value"):
        parse_assignment(text)


@pytest.mark.parametrize(
    "value", ["[1", "{a: b", "'x", "!!python/object:os.system {}", "2026-13-45"]
)
def test_assignments_that_are_no_yaml_are_refused(value):
    with pytest.raises(SettingsError, match="not valid YAML"):
        parse_assignment(f"a={value}")


def test_yaml_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "config.yaml"
    content = {
        "z": 1,
        "a": {"rate": 1e-7, "large": 1e300, "none": None, "yes": True},
        # A commit of digits and one e looks like a number.
        "commit": "123456e78901",
        "digits": "123456789012",
        "text": "1e-3",
        "texts": ["1.5e3", ".5e1", "1.e5"],
        "list": [1, 2.5, "x"],
    }
    write_yaml(path, content)
    assert read_yaml(path) == content
    assert list(read_yaml(path)) == list(content)


def test_numbers_in_files_may_be_written_without_a_point(tmp_path):
    path = tmp_path / "preset.yaml"
    path.write_text("agent: {learning_rate: 1e-3}\n")
    assert read_yaml(path) == {"agent": {"learning_rate": 0.001}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"- 1\n- 2\n", "holds no mapping"),
        (b"", "holds no mapping"),
        (b"a: [1\n", "not valid YAML"),
        (b"a: 2026-13-45\n", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"task: {a: 1}\nagent: {}\ntask: {b: 2}\n", "has 'task' twice .*in line 3; write it once"),
        (b"task:\n  a: 1\n  a: 1\n", "has 'a' twice"),
    ],
)
def test_files_that_hold_no_settings_are_refused(tmp_path, content, reason):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=reason) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)


def test_a_mapping_may_be_another_one_with_changes(tmp_path):
    path = tmp_path / "preset.yaml"
    path.write_text("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}\n")
    assert read_yaml(path)["b"] == {"x": 2, "y": 1}


def test_an_assignment_with_a_name_twice_is_refused():
    with pytest.raises(SettingsError, match=r"--set task\.rewards=.* has 'a' twice"):
        parse_assignment("task.rewards={a: 1, a: 2}")


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_yaml(path)


def test_a_text_that_only_begins_like_a_number_stays_a_text(tmp_path):
    content = {"hash": "4e885228f4", "commit": "12e45", "rate": 1e-3}
    path = tmp_path / "content.yaml"
    write_yaml(path, content)
    assert read_yaml(path) == content
    path.write_text("hash: 4e885228f4\nrate: 1e-3\n")
    assert read_yaml(path) == {"hash": "4e885228f4", "rate": 1e-3}
