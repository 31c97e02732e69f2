"""Read what a training run left in its folder, however far it came.

A run may have been stopped at any moment, so every file may be missing, empty or cut off in the
middle of a line. What can be read is returned, and what could not be is said in `RunData.notes`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

FloatArray = npt.NDArray[np.float64]

CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.csv"
EVALUATIONS_FILE = "evaluations.csv"
LAP_FILE = "lap.csv"
POLICY_FILE = "policy/policy.yaml"
LAST_POLICY_FILE = "policy-last/policy.yaml"
TABLE_FILE = "policy/table.csv"
VIDEO_FILE = "lap.mp4"
REPORT_FILE = "report.html"

_RUN_FILES = (CONFIG_FILE, METRICS_FILE, EVALUATIONS_FILE, LAP_FILE, POLICY_FILE)
# What a reader misses without the file.
_MEANING = {
    CONFIG_FILE: "the settings of the run are not known",
    METRICS_FILE: "there are no learning curves",
    EVALUATIONS_FILE: "no evaluation has been made yet",
    LAP_FILE: "no lap has been recorded yet",
    POLICY_FILE: "no policy has been saved yet",
    LAST_POLICY_FILE: "it is not known when the run ended",
    TABLE_FILE: "what was learned cannot be drawn",
}
_Q_PREFIX = "q_"
_REWARD_PREFIX = "reward_"
_OUR_NAMESPACE = "f1_rl/"
_CSV_FIELD_LIMIT_CHARS = 10_000


class ReportError(Exception):
    """A report or a video cannot be made; the message says in one sentence why and what to do."""


@dataclass(frozen=True)
class Metrics:
    """The progress of the training, one element a row of metrics.csv; NaN where nothing was yet.

    All columns are (T,) float64.
    """

    env_step: FloatArray
    update: FloatArray
    wall_time_s: FloatArray
    steps_per_s: FloatArray
    episodes: FloatArray
    episode_return: FloatArray
    episode_length: FloatArray
    epsilon: FloatArray
    loss: FloatArray
    mean_q: FloatArray

    def __len__(self) -> int:
        return len(self.env_step)


@dataclass(frozen=True)
class Evaluations:
    """The greedy evaluations, one element an evaluated start; the numbers are (E,) float64."""

    circuit: tuple[str, ...]
    env_step: FloatArray
    update: FloatArray
    wall_time_s: FloatArray
    direction: FloatArray
    start_arc_length_m: FloatArray
    completed: FloatArray
    laps: FloatArray
    lap_time_s: FloatArray
    completion: FloatArray
    mean_lateral_error_m: FloatArray
    p95_lateral_error_m: FloatArray
    mean_speed_mps: FloatArray
    command_smoothness: FloatArray
    off_track: FloatArray
    wrong_way: FloatArray
    collisions: FloatArray  # not a number in runs that did not count them
    steps: FloatArray
    episode_return: FloatArray

    def __len__(self) -> int:
        return len(self.env_step)


@dataclass(frozen=True)
class Lap:
    """The trace of one lap, one element a control period; columns (T,) float64."""

    q_values: FloatArray
    """(T, A) float64: the network's estimate of each action's return."""
    reward_terms: Mapping[str, FloatArray]
    """(T,) float64 for each reward rule, weighted; empty for traces that lack them."""
    time_s: FloatArray
    x_m: FloatArray
    y_m: FloatArray
    yaw_rad: FloatArray
    speed_mps: FloatArray
    yaw_rate_radps: FloatArray
    command_speed_mps: FloatArray
    command_yaw_rate_radps: FloatArray
    action: FloatArray
    arc_length_m: FloatArray
    lateral_error_m: FloatArray
    heading_error_rad: FloatArray
    reward: FloatArray

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True)
class LearnedTable:
    """The table of tabular Q-learning, one element a state."""

    positions: FloatArray
    """(S, R) float64: where the line lies on each row, from the left; the largest: no line."""
    q_values: FloatArray
    """(S, A) float64: the action values."""


@dataclass(frozen=True)
class RunData:
    """Everything a report needs from a run folder; None where a file is missing or has no row."""

    path: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    metrics: Metrics | None = None
    evaluations: Evaluations | None = None
    lap: Lap | None = None
    table: LearnedTable | None = None
    notes: tuple[str, ...] = ()

    @property
    def video_path(self) -> Path | None:
        """The video of the lap, or None while there is none."""
        path = self.path / VIDEO_FILE
        return path if path.is_file() else None

    @property
    def circuit_names(self) -> tuple[str, ...]:
        """The circuits that were evaluated, else those of the settings, without repetition."""
        evaluated = self.evaluations.circuit if self.evaluations else ()
        names = [name for name in evaluated if name] or self.circuit_sources
        return tuple(dict.fromkeys(names))

    @property
    def circuit_sources(self) -> tuple[str, ...]:
        """What the settings name as circuits: names, CSV files, ranges of random circuits."""
        for document in (self.config, self.policy):
            for key in ("circuits", "circuit"):
                names = _names(find_entry(document, key))
                if names:
                    return names
        return ()

    @property
    def drives(self) -> bool:
        """Whether the run is about driving, not about another environment of Gymnasium's."""
        return _drives(self.config)

    @property
    def extent(self) -> tuple[float, float]:
        """The last environment step and wall time that any table knows; NaN: none does."""
        tables = [table for table in (self.metrics, self.evaluations) if table is not None]
        steps = [table.env_step for table in tables]
        times_s = [table.wall_time_s for table in tables]
        return _largest(steps), _largest(times_s)

    @property
    def saved_last(self) -> bool:
        """Whether the policy that a run saves at its end is of the last step that tables know.

        One that was resumed still has the policy of its end before. Of one that does not say its
        steps it counts that it is there.
        """
        path = self.path / LAST_POLICY_FILE
        if not path.parent.is_dir():
            return False
        saved = find_entry(_read_yaml(self.path, LAST_POLICY_FILE, []), "training")
        if not isinstance(saved, Mapping):
            return True
        steps, updates = (_number(str(saved.get(name))) for name in ("env_steps", "updates"))
        known = _largest([] if self.metrics is None else [self.metrics.update])
        return not (steps < self.extent[0] or updates < known)

    @property
    def environment(self) -> str:
        """The id of the environment that was learned, empty where it is not known."""
        return str(self.config.get("env", ""))

    @property
    def algorithm(self) -> str:
        """The learning rule as the settings name it, empty where it is not known."""
        return str(find_entry(self.config, "algorithm") or "")

    @property
    def is_guided(self) -> bool:
        """Whether a driver that knows the circuit helped in training."""
        return bool(find_entry(self.config, "guide_share"))

    @property
    def knows_its_speed(self) -> bool:
        """Whether the speed is observed beside the pictures."""
        observation = find_entry(self.config, "observation")
        return isinstance(observation, Mapping) and bool(observation.get("speed"))

    @property
    def action_names(self) -> tuple[str, ...]:
        """The names of the actions in their order, empty where neither file tells them."""
        for document in (self.policy, self.config):
            for key in ("action_names", "actions"):
                entry = find_entry(document, key)
                # A single string is the name of an action table, not of an action.
                names = () if isinstance(entry, str) else _names(entry)
                if names:
                    return names
        return ()

    @property
    def commands(self) -> FloatArray:
        """(A, 2) float64: speed (m/s) and yaw rate (rad/s) of each action; (0, 2): not known."""
        commands = find_entry(self.policy, "commands")
        try:
            return np.array(commands or [], np.float64).reshape(-1, 2)
        except (TypeError, ValueError):
            return np.empty((0, 2))

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of the software that trained, and its commit, as far as they were recorded."""
        found: dict[str, str] = {}
        for document in (self.policy, self.config):
            versions = find_entry(document, "versions")
            if isinstance(versions, Mapping):
                found = {str(k): str(v) for k, v in versions.items()} | found
            commit = find_entry(document, "commit")
            if isinstance(commit, str | int):
                found.setdefault("commit", str(commit))
        return found


@dataclass(frozen=True)
class _Table:
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def strings(self, name: str) -> tuple[str, ...]:
        if name not in self.header:
            return ("",) * len(self.rows)
        column = self.header.index(name)
        return tuple(row[column].strip() for row in self.rows)

    def numbers(self, name: str) -> FloatArray:
        return np.array([_number(cell) for cell in self.strings(name)], dtype=np.float64)


def read_run(run_dir: Path) -> RunData:
    """Read a run folder as far as it exists.

    Args:
        run_dir: The folder that training wrote.

    Returns:
        The contents, with one sentence in `notes` for each file that is missing or damaged.

    Raises:
        ReportError: `run_dir` is no folder, has none of a run's files, or cannot be read.
    """
    run_dir = Path(run_dir)
    if not run_dir.is_dir():
        raise ReportError(f"{run_dir} is no folder: give the folder that a training run wrote.")
    if not is_run_folder(run_dir):
        raise ReportError(
            f"{run_dir} is no run folder: it has none of {', '.join(_RUN_FILES)}; "
            "give the folder that a training run wrote."
        )
    notes: list[str] = []
    config = _read_yaml(run_dir, CONFIG_FILE, notes)
    drives = _drives(config)
    evaluated = _field_names(Evaluations) if drives else ("env_step", "episode_return")
    metrics = _read_table(run_dir, METRICS_FILE, _field_names(Metrics), notes)
    # Runs from before there was traffic counted none.
    evaluated = tuple(name for name in evaluated if name != "collisions")
    evaluations = _read_table(run_dir, EVALUATIONS_FILE, evaluated, notes)
    lap = _read_table(run_dir, LAP_FILE, _field_names(Lap), notes) if drives else None
    is_table = find_entry(config, "algorithm") == "tabular"
    table = _read_table(run_dir, TABLE_FILE, ("row_0", "q_0"), notes) if is_table else None
    return RunData(
        path=run_dir,
        config=config,
        policy=_read_yaml(run_dir, POLICY_FILE, notes) if drives else {},
        metrics=Metrics(**_columns(metrics, Metrics)) if metrics else None,
        evaluations=_evaluations(evaluations) if evaluations else None,
        lap=_lap(lap) if lap else None,
        table=_learned_table(table) if table else None,
        notes=tuple(notes),
    )


def is_run_folder(path: Path) -> bool:
    """Return whether a folder has any of the files that a run leaves."""
    return any((path / name).is_file() for name in _RUN_FILES)


def runs_inside(path: Path) -> list[Path]:
    """Return the run folders in a folder that is none itself, in the order of their names."""
    if not path.is_dir() or is_run_folder(path):
        return []
    return sorted(child for child in path.iterdir() if is_run_folder(child))


def find_entry(document: Any, key: str) -> Any:
    """Find the outermost value of a key in nested mappings.

    Args:
        document: Mappings as a YAML file holds them.
        key: The key, wherever it lies.

    Returns:
        The value nearest to the root, or None where no mapping has the key.
    """
    level = [document]
    while level:
        mappings = [node for node in level if isinstance(node, Mapping)]
        for mapping in mappings:
            if mapping.get(key) is not None:
                return mapping[key]
        level = [value for mapping in mappings for value in mapping.values()]
    return None


def _drives(config: Mapping[str, Any]) -> bool:
    environment = config.get("env")
    return not isinstance(environment, str) or environment.startswith(_OUR_NAMESPACE)


def _largest(columns: Sequence[FloatArray]) -> float:
    values = np.concatenate([column[np.isfinite(column)] for column in columns] or [np.empty(0)])
    return float(values.max()) if len(values) else np.nan


def _evaluations(table: _Table) -> Evaluations:
    return Evaluations(circuit=table.strings("circuit"), **_columns(table, Evaluations))


def _lap(table: _Table) -> Lap:
    terms = {
        name.removeprefix(_REWARD_PREFIX): table.numbers(name)
        for name in table.header
        if name.startswith(_REWARD_PREFIX)
    }
    q_values = _numbered(table, _Q_PREFIX)
    return Lap(q_values=q_values, reward_terms=terms, **_columns(table, Lap))


def _learned_table(table: _Table) -> LearnedTable:
    return LearnedTable(_numbered(table, "row_"), _numbered(table, _Q_PREFIX))


def _numbered(table: _Table, prefix: str) -> FloatArray:
    """Return the columns `prefix0`, `prefix1`, ... side by side, one row a line."""
    numbers = sorted(
        int(name.removeprefix(prefix))
        for name in table.header
        if name.startswith(prefix) and name.removeprefix(prefix).isdigit()
    )
    columns = [table.numbers(f"{prefix}{number}") for number in numbers]
    return np.stack(columns, axis=1) if columns else np.empty((len(table.rows), 0))


def _field_names(kind: type[Metrics] | type[Evaluations] | type[Lap]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind) if f.name not in ("q_values", "reward_terms"))


def _columns(
    table: _Table, kind: type[Metrics] | type[Evaluations] | type[Lap]
) -> dict[str, FloatArray]:
    return {name: table.numbers(name) for name in _field_names(kind) if name != "circuit"}


def _read_text(path: Path) -> str | None:
    """Return a file's text without the zero bytes that a power failure leaves, or None."""
    try:
        return path.read_bytes().decode("utf-8-sig", errors="replace").replace("\0", "")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReportError(
            f"{path} cannot be read ({error.strerror or error}): check its permissions."
        ) from error


def _read_yaml(run_dir: Path, name: str, notes: list[str]) -> Mapping[str, Any]:
    text = _read_text(run_dir / name)
    if text is None:
        notes.append(f"{name} is missing: {_MEANING[name]}.")
        return {}
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        # A ValueError is of what looks like a date and is none.
        document = None
    if not isinstance(document, Mapping):
        notes.append(f"{name} is damaged and was left out: {_MEANING[name]}.")
        return {}
    return document


def _read_table(
    run_dir: Path, name: str, expected: Sequence[str], notes: list[str]
) -> _Table | None:
    """Read a CSV file; None, with a note, where it is missing or has no whole row."""
    text = _read_text(run_dir / name)
    if text is None:
        notes.append(f"{name} is missing: {_MEANING[name]}.")
        return None
    # Without its line end the last line may have lost digits of its last number unnoticed.
    whole, _, rest = text.rpartition("\n")
    lines = list(_csv_lines(whole))
    header = tuple(cell.strip() for cell in lines[0]) if lines else ()
    rows = tuple(tuple(line) for line in lines[1:] if len(line) == len(header))
    dropped = len(lines[1:]) - len(rows) + bool(rest.strip())
    if dropped:
        plural = "lines were" if dropped > 1 else "line was"
        notes.append(f"{name}: {dropped} incomplete {plural} left out.")
    if not rows:
        notes.append(f"{name} has no whole row: {_MEANING[name]}.")
        return None
    missing = [column for column in expected if column not in header]
    if missing:
        notes.append(f"{name} lacks {', '.join(missing)}.")
    return _Table(header, rows)


def _csv_lines(text: str) -> Iterator[list[str]]:
    """Yield the cells of each line that is not blank; a damaged line yields none of its cells."""
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            # Line by line, so that a stray quotation mark cannot swallow the lines after it.
            yield next(csv.reader(io.StringIO(line[:_CSV_FIELD_LIMIT_CHARS]), strict=True))
        except (csv.Error, StopIteration):
            yield []


def _number(cell: str) -> float:
    """Return a cell's number; booleans as 0 and 1, NaN for anything else."""
    try:
        return float(cell)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(cell.lower(), np.nan)


def _names(entry: Any) -> tuple[str, ...]:
    """Return the names in a YAML entry: a name, a list of names, or of mappings with a name."""
    if isinstance(entry, str):
        return (entry,)
    if isinstance(entry, Mapping):
        inner = entry.get("names", entry.get("name"))
        return _names(inner) if inner is not None else ()
    if isinstance(entry, Sequence):
        names = [item.get("name") if isinstance(item, Mapping) else item for item in entry]
        texts = tuple(name for name in names if isinstance(name, str))
        return texts if len(texts) == len(names) else ()
    return ()
