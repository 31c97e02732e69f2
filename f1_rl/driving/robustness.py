"""How a driver does under perturbations, each held against the nominal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from f1_rl.driving.laps import Drive


@dataclass(frozen=True)
class Robustness:
    """How a driver did under one perturbation, from the starts of the nominal; NaN where unknown.

    Attributes:
        driver: Its name.
        perturbation: What was changed.
        drives: How many were driven.
        completed: Drives with all the laps that were asked for.
        completion: Share of a lap that was driven, mean over the drives, 0 to 1.
        lap_time_s: Each completed drive's best lap, mean; several circuits are weighed alike.
        lap_time_ratio: The same over the nominal one from the same start, mean over the starts from
            which both were completed.
        lateral_error_m: Distance from the centre line, mean over each drive, then over the drives.
        lateral_error_ratio: This over the nominal one.
    """

    driver: str
    perturbation: str
    drives: int
    completed: int
    completion: float
    lap_time_s: float
    lap_time_ratio: float
    lateral_error_m: float
    lateral_error_ratio: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def hold_against(
    driver: str, perturbation: str, drives: Sequence[Drive], nominal: Sequence[Drive]
) -> Robustness:
    """Sum up drives under a perturbation beside those under none.

    Args:
        driver: Its name.
        perturbation: Its name.
        drives: At least one.
        nominal: As many, from the same starts in the same order.
    """
    pairs = zip(drives, nominal, strict=True)
    ratios = [
        drive.report.lap_time_s / plain.report.lap_time_s
        for drive, plain in pairs
        if drive.completed and plain.completed
    ]
    times = [drive.report.lap_time_s for drive in drives if drive.completed]
    lateral_error_m, nominal_error_m = (
        float(np.mean([drive.report.mean_lateral_error_m for drive in made]))
        for made in (drives, nominal)
    )
    return Robustness(
        driver=driver,
        perturbation=perturbation,
        drives=len(drives),
        completed=sum(drive.completed for drive in drives),
        completion=float(np.mean([drive.report.completion for drive in drives])),
        lap_time_s=float(np.mean(times)) if times else np.nan,
        lap_time_ratio=float(np.mean(ratios)) if ratios else np.nan,
        lateral_error_m=lateral_error_m,
        lateral_error_ratio=lateral_error_m / nominal_error_m if nominal_error_m > 0.0 else np.nan,
    )
