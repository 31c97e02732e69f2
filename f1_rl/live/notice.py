"""Sentences that are shown for a while."""

from __future__ import annotations

_SHOWN_S = 5.0


class Notice:
    """The newest thing worth saying, until it is old."""

    def __init__(self) -> None:
        """Say nothing."""
        self._sentence = ""
        self._until_s = 0.0

    def clear(self) -> None:
        """Say nothing any more."""
        self._sentence = ""

    def say(self, sentence: str, now_s: float) -> None:
        """Show a sentence from now on; an empty one leaves what is shown."""
        if sentence:
            self._sentence, self._until_s = sentence, now_s + _SHOWN_S

    def text(self, now_s: float) -> str:
        """Return the sentence, or nothing once it is old."""
        return self._sentence if now_s < self._until_s else ""
