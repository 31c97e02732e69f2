"""What others may ask of a training run while it goes on."""

import threading


class TrainingControl:
    """Requests to a running trainer, from any thread; it follows them between two steps."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stop = False
        self._paused = False
        self._evaluation = False
        self._save = False

    @property
    def stopping(self) -> bool:
        """Whether the run is to end, saving everything."""
        return self._stop

    @property
    def paused(self) -> bool:
        """Whether the run is to stand still."""
        return self._paused

    def stop(self) -> None:
        """Have the run end after the step it is in, or out of a pause, with everything saved."""
        self._set(_stop=True)

    def pause(self) -> None:
        """Have the run stand still after the step it is in, until `go_on`."""
        self._set(_paused=True)

    def go_on(self) -> None:
        """End a pause."""
        self._set(_paused=False)

    def evaluate(self) -> None:
        """Have the greedy policy evaluated, in a pause too."""
        self._set(_evaluation=True)

    def save(self) -> None:
        """Have a checkpoint written, in a pause too."""
        self._set(_save=True)

    def take_evaluation(self) -> bool:
        """Return whether an evaluation was asked for, and count it as done."""
        with self._changed:
            wanted, self._evaluation = self._evaluation, False
            return wanted

    def take_save(self) -> bool:
        """Return whether a checkpoint was asked for, and count it as done."""
        with self._changed:
            wanted, self._save = self._save, False
            return wanted

    def wait(self) -> None:
        """Wait out a pause, or until something is asked for in it."""
        with self._changed:
            while self._paused and not (self._stop or self._evaluation or self._save):
                self._changed.wait()

    def _set(self, **flags: bool) -> None:
        with self._changed:
            for name, value in flags.items():
                setattr(self, name, value)
            self._changed.notify_all()
