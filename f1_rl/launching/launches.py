"""All launches, by name."""

from f1_rl.launching.drive import DRIVE
from f1_rl.launching.record import RECORD
from f1_rl.launching.replay import REPLAY
from f1_rl.launching.simulate import SIMULATE
from f1_rl.launching.train import TRAIN

LAUNCHES = {launch.name: launch for launch in (SIMULATE, DRIVE, TRAIN, RECORD, REPLAY)}
