"""A whole offline replay: the bag once through the policy, and the files that come of it."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from f1_rl.bags.agreement import Agreement, Trace, compare
from f1_rl.bags.errors import BagError
from f1_rl.bags.frame_table import FrameTable
from f1_rl.bags.frames import FrameReader
from f1_rl.bags.offline import OfflineReplay, ReplayedFrame, size_fault
from f1_rl.files import new_file
from f1_rl.nodes.latency import Percentiles
from f1_rl.nodes.pilot import Pilot
from f1_rl.policy.saliency import Saliency, saliency_of

TABLE_FILE = "frames.csv"
SUMMARY_FILE = "replay.json"
LATENCY_FILE = "latency.json"
PAGE_FILE = "replay.html"
VIDEO_FILE = "replay.mp4"


@dataclass(frozen=True)
class ReplayOutputs:
    """What is to be written.

    Attributes:
        folder: For table, summary and page; None: none of them.
        video: Whether a video goes there too.
        bag: Folder of a new bag with the policy's commands; None: none.
    """

    folder: Path | None = None
    video: bool = False
    bag: Path | None = None


@dataclass(frozen=True)
class ReplayResult:
    """What came of a replay.

    Attributes:
        agreement: What policy and recorded driver agree on.
        outcomes: How many pictures the policy decided on, and why not on others.
        facts: Bag, topics, policy.
        notes: What could not be read, and what else is to be known.
        latency: Of preprocessing and network, without the first decision, which also sets both up;
            measured, so it is never the same twice.
        files: What was written.
    """

    agreement: Agreement
    outcomes: dict[str, int]
    facts: dict[str, Any]
    notes: tuple[str, ...]
    latency: Percentiles
    files: tuple[Path, ...]

    def summary(self) -> dict[str, Any]:
        """Return plain values that follow from bag and policy alone."""
        return {
            **self.facts,
            "outcomes": self.outcomes,
            "agreement": self.agreement.as_dict(),
            "notes": list(self.notes),
        }


def replay_bag(
    reader: FrameReader,
    pilot: Pilot,
    outputs: ReplayOutputs,
    on_frame: Callable[[ReplayedFrame], None] = lambda frame: None,
) -> ReplayResult:
    """Replay a bag and write what was asked for.

    Args:
        reader: The bag's pictures.
        pilot: The policy.
        outputs: What is to be written.
        on_frame: Called after each picture.

    Raises:
        BagError: The bag is of another camera, holds no picture that the policy can decide on, or
            an output lies inside it.
        ReportError: The video cannot be written.
        OSError: A file cannot be written.
    """
    replay = OfflineReplay(reader, pilot)
    _refuse_inside(reader.bag.path, outputs)
    trace, latencies_s = Trace(), []
    proposals = None
    if outputs.bag is not None:
        from f1_rl.bags.proposals import Proposals

        proposals = Proposals()
    with contextlib.ExitStack() as stack:
        sinks = _open_sinks(stack, reader, pilot, outputs)
        for replayed in replay:
            trace.add(replayed)
            if proposals is not None:
                proposals.add(replayed)
            if replayed.decision is not None:
                latencies_s.append(replayed.latency_s)
            for sink in sinks:
                sink(replayed)
            on_frame(replayed)
        if not len(trace):
            raise BagError(f"{reader.bag.path}: {_why_nothing(reader, replay)}")
    table = pilot.commands_at(np.nan_to_num(trace["measured_speed"]))
    agreement = compare(trace, pilot.action_names, table)
    try:
        if proposals is not None and outputs.bag is not None:
            from f1_rl.bags.proposals import write_with_proposals

            # Before the notes are taken: what cannot be copied is one of them.
            write_with_proposals(reader.bag, proposals, outputs.bag)
    finally:
        # Also where the bag could not be written.
        result = ReplayResult(
            agreement=agreement,
            outcomes=dict(sorted(replay.outcomes.items())),
            facts=_facts(reader, pilot),
            notes=(*reader.bag.warnings, *reader.notes, *_counted(reader, replay)),
            latency=_latency(latencies_s),
            files=_files(outputs),
        )
        if outputs.folder is not None:
            _write_documents(result, trace, outputs.folder, outputs.video)
    return result


def _refuse_inside(bag: Path, outputs: ReplayOutputs) -> None:
    folder = (bag if bag.is_dir() else bag.parent).resolve()
    for path in (outputs.folder, outputs.bag):
        if path is None:
            continue
        inside = path.resolve()
        if inside == folder or (bag.is_dir() and folder in inside.parents):
            raise BagError(
                f"{path}: lies in the bag that is replayed, into which nothing is written; "
                "choose another folder."
            )
    if outputs.bag is not None and outputs.bag.exists():
        raise BagError(
            f"{outputs.bag} exists already, and a bag is never overwritten; choose another folder."
        )
    if outputs.bag is not None and outputs.folder is not None:
        report, new = outputs.folder.resolve(), outputs.bag.resolve()
        if new in (report, *report.parents):
            raise BagError(
                f"{outputs.folder}: lies in the new bag, which has a folder of its own; choose "
                "another one for the report."
            )


def _open_sinks(
    stack: contextlib.ExitStack, reader: FrameReader, pilot: Pilot, outputs: ReplayOutputs
) -> list[Callable[[ReplayedFrame], None]]:
    sinks: list[Callable[[ReplayedFrame], None]] = []
    if outputs.folder is None:
        return sinks
    outputs.folder.mkdir(parents=True, exist_ok=True)
    table = FrameTable(outputs.folder / TABLE_FILE, pilot.action_names)
    sinks.append(stack.enter_context(table).add)
    if outputs.video:
        from f1_rl.reporting.replay_video import ReplayVideo

        video = ReplayVideo(
            outputs.folder / VIDEO_FILE,
            f"f1_rl  ·  {reader.bag.path.resolve().name}",
            pilot.preprocessing,
            pilot.action_names,
            fps=1.0 / pilot.control_period_s,
        )
        stack.enter_context(video)
        saliency = saliency_of(pilot.policy)
        sinks.append(lambda replayed: video.add(_video_frame(replayed, pilot, saliency)))
    return sinks


def _video_frame(replayed: ReplayedFrame, pilot: Pilot, saliency: Saliency) -> Any:
    from f1_rl.reporting.replay_video import ReplayVideoFrame

    frame, decision = replayed.frame, replayed.decision
    recorded = frame.command or (math.nan, math.nan)
    command = decision.command if decision is not None else (math.nan, math.nan)
    observation = replayed.observation
    if observation is None:
        observation = pilot.observation
    unknown = np.full(len(pilot.action_names), math.nan)
    return ReplayVideoFrame(
        # A picture of another size than the calibrated camera's can only be shown as it is.
        camera=frame.picture
        if size_fault(pilot, frame.picture)
        else pilot.as_trained(frame.picture),
        observation=observation,
        q_values=unknown if decision is None else decision.q_values,
        action=-1 if decision is None else decision.action,
        command_speed_mps=command[0],
        command_yaw_rate_radps=command[1],
        x_m=math.nan,
        y_m=math.nan,
        yaw_rad=math.nan,
        lap_time_s=replayed.time_s,
        lateral_error_m=math.nan,
        saliency=None if decision is None else saliency.of(pilot.observations),
        recorded_speed_mps=recorded[0],
        recorded_yaw_rate_radps=recorded[1],
        outcome="" if decision is not None else replayed.outcome,
    )


def _facts(reader: FrameReader, pilot: Pilot) -> dict[str, Any]:
    bag, manifest = reader.bag, pilot.policy.manifest
    return {
        "bag": bag.path.resolve().name,
        "recorded_s": round((bag.end_ns - bag.start_ns) / 1e9, 3),
        **reader.topics.as_dict(),
        "tolerance_ms": reader.tolerance_ns / 1e6,
        "policy": _policy_name(pilot.policy.folder.resolve()),
        "policy_hash": manifest.hash,
        "actions": manifest.actions.name,
        "control_period_ms": manifest.control_period_ms,
        **{f"recorded_with_{name}": value for name, value in bag.custom_data.items()},
    }


def _policy_name(folder: Path) -> str:
    """Return the name of a policy; within a run folder that of the run, too."""
    inside = folder.name in ("policy", "policy-last")
    return f"{folder.parent.name}/{folder.name}" if inside else folder.name


def _counted(reader: FrameReader, replay: OfflineReplay) -> list[str]:
    """Return sentences about what was left out or is not known."""
    counts, topics = reader.counts, reader.topics
    sentences = [
        f"{_pictures(count)} cannot be decoded: {reason}"
        for reason, count in counts.reasons.most_common(3)
    ]
    sentences += [
        f"{_pictures(count)} cannot be used: {reason}"
        for reason, count in replay.reasons.most_common(3)
    ]
    for name, meaning in (
        ("duplicate", "with the stamp of the one before"),
        ("backwards", "older than the one before"),
        ("early", "sooner than the policy acts"),
        ("no odometry", "without odometry, which the policy needs"),
    ):
        if replay.outcomes[name]:
            sentences.append(f"{_pictures(replay.outcomes[name])} {meaning}: passed over.")
    if topics.command_topic is None:
        sentences.append("the bag holds no commands: there is nothing to compare the policy with.")
    elif counts.without_command:
        sentences.append(
            f"{_pictures(counts.without_command)} answered by no command on "
            f"{topics.command_topic} within {reader.tolerance_ns / 1e6:.0f} ms."
        )
    if counts.refused:
        sentences.append(f"{counts.refused} commands or odometry messages are not finite numbers.")
    return sentences


def _pictures(count: int) -> str:
    return f"{count:,} picture{'s' * (count != 1)}"


def _why_nothing(reader: FrameReader, replay: OfflineReplay) -> str:
    reasons = replay.reasons + reader.counts.reasons
    if reasons:
        return f"the policy can decide on none of its pictures: {reasons.most_common(1)[0][0]}"
    if replay.outcomes:
        name = replay.outcomes.most_common(1)[0][0]
        return f"the policy can decide on none of its pictures ({name}); see --check."
    return f"no picture on {reader.topics.image_topic} can be read; see --check."


def _write_documents(result: ReplayResult, trace: Trace, folder: Path, video: bool) -> None:
    from f1_rl.reporting.replay_page import write_replay_page

    _write_json(folder / SUMMARY_FILE, result.summary())
    _write_json(folder / LATENCY_FILE, asdict(result.latency))
    write_replay_page(
        folder / PAGE_FILE,
        f"“{result.facts['bag']}”",
        {**result.facts, **{f"pictures, {key}": n for key, n in result.outcomes.items()}},
        result.agreement,
        trace,
        result.notes,
        folder / VIDEO_FILE if video else None,
    )


def _write_json(path: Path, document: dict[str, Any]) -> None:
    with new_file(path) as file:
        file.write(json.dumps(_plain(document), indent=2) + "\n")


def _plain(value: Any) -> Any:
    """Return a document in which what is no finite number is null."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _latency(values_s: list[float]) -> Percentiles:
    """Return the percentiles without the first decision, unless it is the only one."""
    values_s = values_s[1:] or values_s
    p50, p95, p99 = np.percentile(values_s, (50, 95, 99))
    return Percentiles(float(p50), float(p95), float(p99), max(values_s))


def _files(outputs: ReplayOutputs) -> tuple[Path, ...]:
    files: list[Path] = []
    if outputs.folder is not None:
        names = [TABLE_FILE, SUMMARY_FILE, LATENCY_FILE, PAGE_FILE]
        names += [VIDEO_FILE] if outputs.video else []
        files += [outputs.folder / name for name in names]
    if outputs.bag is not None:
        files.append(outputs.bag)
    return tuple(files)
