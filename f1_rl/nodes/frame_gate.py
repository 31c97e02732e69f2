"""Which frames are new, by their stamps."""

from collections import Counter
from enum import Enum


class Verdict(Enum):
    """What a stamp says of its frame."""

    NEXT = "follows the frame before it"
    FIRST = "begins a new sequence of frames"
    DUPLICATE = "has the stamp of the frame before it"
    BACKWARDS = "is older than the frame before it"
    EARLY = "comes sooner than the policy acts"

    @property
    def accepted(self) -> bool:
        """Whether to act on the frame."""
        return self in (Verdict.NEXT, Verdict.FIRST)


class FrameGate:
    """Lets frames through in the order of their stamps and at the pace of the policy.

    A frame that is older than its predecessor came late and is dropped. When several in a row are
    older than the newest, yet in order among themselves, then the clock of the camera was set
    back (a simulator that was started anew), and a new sequence begins. So it does after a gap.
    """

    BACKWARDS_BEFORE_RESTART = 3

    def __init__(self, period_s: float, gap_s: float) -> None:
        """Begin with no frame seen.

        Args:
            period_s: Time between two actions of the policy; frames that come at a higher rate
                are dropped as early.
            gap_s: Time between two stamps from which on they belong to different sequences.
        """
        self._counts: Counter[Verdict] = Counter(dict.fromkeys(Verdict, 0))
        self._least_ns = round(0.75e9 * period_s)
        self._gap_ns = round(1e9 * gap_s)
        self._last_ns: int | None = None
        self._older_ns: list[int] = []

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many frames had which verdict."""
        return dict(self._counts)

    def reset(self) -> None:
        """Let the next frame begin a new sequence; the counts stay."""
        self._last_ns = None
        self._older_ns.clear()

    def judge(self, stamp_ns: int) -> Verdict:
        """Return what a frame's stamp says, and count it.

        Args:
            stamp_ns: Time at which the frame was taken, in nanoseconds of the camera's clock.
        """
        verdict = self._verdict(stamp_ns)
        if verdict.accepted:
            self._last_ns = stamp_ns
            self._older_ns.clear()
        self._counts[verdict] += 1
        return verdict

    def _verdict(self, stamp_ns: int) -> Verdict:
        if self._last_ns is None:
            return Verdict.FIRST
        since_ns = stamp_ns - self._last_ns
        if since_ns == 0:
            return Verdict.DUPLICATE
        if since_ns < 0:
            return self._older(stamp_ns)
        self._older_ns.clear()
        if since_ns > self._gap_ns:
            return Verdict.FIRST
        return Verdict.EARLY if since_ns < self._least_ns else Verdict.NEXT

    def _older(self, stamp_ns: int) -> Verdict:
        if self._older_ns and stamp_ns <= self._older_ns[-1]:
            self._older_ns.clear()
        self._older_ns.append(stamp_ns)
        if len(self._older_ns) >= self.BACKWARDS_BEFORE_RESTART:
            return Verdict.FIRST
        return Verdict.BACKWARDS
