"""Who follows a training run: a listener, which must hear all, and a spectator, which may look."""

import logging
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from f1_rl.learning.evaluation import Evaluation
from f1_rl.learning.observations import ObservationLayout
from f1_rl.learning.progress import Progress

Array = npt.NDArray[Any]

_LOG = logging.getLogger(__name__)


class Listener(Protocol):
    """Is told how training goes."""

    def on_progress(self, progress: Progress) -> None:
        """Called with every row of metrics.csv."""

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Called after every evaluation."""


@dataclass(frozen=True)
class Decision:
    """What the N environments are about to do, and why.

    Whoever keeps arrays copies them: they are the trainer's own.

    Attributes:
        envs: The Gymnasium vector environment, which stands where the observations were made.
        layout: Of the observations.
        observations: For each part of the layout `(N, ...)`.
        q_values: `(N, A)`.
        actions: `(N,)`, chosen by exploration.
        progress: Where the run stands; its speed is not known.
    """

    envs: Any
    layout: ObservationLayout
    observations: tuple[Array, ...]
    q_values: npt.NDArray[np.float32]
    actions: Array
    progress: Progress


class Spectator(Listener, Protocol):
    """Looks at training now and then."""

    @property
    def wants(self) -> bool:
        """Whether it would look at the next decision; asked at every step."""

    def see(self, decision: Decision) -> None:
        """Look at a decision that it wanted."""

    def say(self, sentence: str) -> None:
        """Called when training does something else for a while."""


class Audience:
    """All who follow a run. A spectator that fails is sent away; training goes on without it."""

    def __init__(self, listener: Listener, spectator: Spectator | None) -> None:
        """Take both; a listener's errors end the run."""
        self._listener = listener
        self._spectator = spectator

    @property
    def wants_decision(self) -> bool:
        """Whether somebody would look at the next decision."""
        return self._spectator is not None and bool(self._attempt("wants"))

    def see(self, decision: Decision) -> None:
        """Show a decision."""
        self._attempt("see", decision)

    def say(self, sentence: str) -> None:
        """Say what training does for a while."""
        self._attempt("say", sentence)

    def on_progress(self, progress: Progress) -> None:
        """Tell of a row of metrics.csv."""
        self._listener.on_progress(progress)
        self._attempt("on_progress", progress)

    def on_evaluation(self, progress: Progress, evaluation: Evaluation, best: bool) -> None:
        """Tell of an evaluation."""
        self._listener.on_evaluation(progress, evaluation, best)
        self._attempt("on_evaluation", progress, evaluation, best)

    def _attempt(self, name: str, *arguments: Any) -> Any:
        if self._spectator is None:
            return None
        try:
            member = getattr(self._spectator, name)
            return member(*arguments) if callable(member) else member
        except Exception:
            _LOG.exception("nobody watches this run any more, since its spectator failed")
            self._spectator = None
            return None
