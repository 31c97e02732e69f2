"""Putting the settings of a run together: presets and changes."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, field

from f1_rl.bags.transitions import DemonstrationSettings
from f1_rl.circuits import check_circuit_name
from f1_rl.driving.registration import CAMERA_ID, CAMERA_ROS_ID
from f1_rl.driving.settings import TaskSettings, expand_circuit_names
from f1_rl.errors import did_you_mean
from f1_rl.learning import atari
from f1_rl.learning.run_folder import RUNS, RunFolder, make_new_folder
from f1_rl.learning.settings import AgentSettings, TrainingSettings
from f1_rl.settings import Settings, SettingsError, build_settings, merge, read_yaml

PRESETS = Path(__file__).with_name("presets")
DEFAULT_PRESET = "embedded"
# For learning from demonstrations before driving, and alone.
DEMONSTRATED_PRESET = "demonstrated"
OFFLINE_PRESET = "offline"
# For every Atari game.
ATARI_PRESET = "nature"
# For environments that no preset names.
GENERAL_PRESET = "gymnasium"


class RunSettings(Settings, frozen=True):
    """All settings of a run; `config.yaml` holds them.

    Attributes:
        env: Environment id: one of ours, or any of Gymnasium's with discrete actions.
        env_options: Handed to an environment that is not ours, or of the cars behind topics: `ros`,
            `namespaces`, `domain_ids` (see `F1CameraRosVectorEnv`).
        task: The driving task, for our environments.
        agent: The learning rule.
        training: The schedule.
        demonstrations: Bags that are learned from, and how.
        seed: Of everything that is random.
    """

    env: str = CAMERA_ID
    env_options: dict[str, Any] = field(default_factory=dict)
    task: TaskSettings = field(default_factory=TaskSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    demonstrations: DemonstrationSettings = field(default_factory=DemonstrationSettings)
    # TensorFlow takes 32 bits.
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0

    @property
    def drives(self) -> bool:
        """Whether this is the driving task."""
        return self.env in (CAMERA_ID, CAMERA_ROS_ID)

    @property
    def is_behind_topics(self) -> bool:
        """Whether the cars are behind ROS 2 topics."""
        return self.env == CAMERA_ROS_ID


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets in the package."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.yaml")))


def preset_for(env: str) -> str:
    """Return the preset made for an environment, or the general one.

    One that is named after the environment and its version, as `cartpole_v0`, goes before those
    that are made for it in any version.
    """
    if env.startswith(atari.PREFIX):
        return ATARI_PRESET
    names = preset_names()
    own = [name for name in names if name == env.lower().replace("-", "_")]
    for name in (*own, DEFAULT_PRESET, *names):
        made_for = read_yaml(PRESETS / f"{name}.yaml").get("env", CAMERA_ID)
        if _without_version(made_for) == _without_version(env):
            return name
    return GENERAL_PRESET


def run_settings(preset: str, changes: Sequence[dict[str, Any]]) -> RunSettings:
    """Return a preset with changes laid over it, in order.

    Args:
        preset: Name of a preset, or a YAML file.
        changes: Nested mappings of names to values.

    Raises:
        SettingsError: The preset does not exist, or a setting does not fit.
        CircuitError: A circuit has a name that is none.
    """
    path = PRESETS / f"{preset}.yaml"
    if preset not in preset_names():
        path = Path(preset)
        if path.suffix not in (".yaml", ".yml"):
            raise SettingsError(
                f"there is no preset {preset!r}{did_you_mean(preset, preset_names())}; "
                f"choose from {', '.join(preset_names())}, or give a YAML file."
            )
    values = read_yaml(path)
    values.pop("description", None)
    values.pop("versions", None)
    # From the defaults on, so that one reward or bound can be changed and the others stay.
    settings = RunSettings().as_dict()
    for change in (values, *changes):
        settings = merge(settings, change)
    try:
        built = build_settings(RunSettings, settings, "settings")
    except SettingsError:
        if preset not in preset_names():
            # It is to blame where it cannot be used without the other changes either.
            build_settings(RunSettings, merge(RunSettings().as_dict(), values), preset)
        raise
    if built.drives:
        for name in expand_circuit_names(built.task.circuits):
            check_circuit_name(name)
    return built


def check_learnable(settings: RunSettings) -> None:
    """Refuse a run that has nothing to learn from.

    Raises:
        SettingsError: Demonstrations are missing or of no use, or the run ends before learning
            starts.
    """
    training = settings.training
    if not training.offline_updates and training.learning_starts >= training.env_steps:
        raise SettingsError(
            f"training.learning_starts: nothing is learned in a run of {training.env_steps} steps "
            f"where learning starts after {training.learning_starts}; make the run longer, or set "
            "it lower."
        )
    if training.guide_share and not settings.drives:
        raise SettingsError(
            f"training.guide_share: {settings.env} has no circuit that a driver could know; set it "
            "to 0."
        )
    if settings.training.offline_updates and not settings.demonstrations.bags:
        raise SettingsError(
            "training.offline_updates: learning before the first environment step needs recorded "
            "drives; give bags with --demonstrations."
        )
    if settings.demonstrations.bags and not settings.drives:
        raise SettingsError(
            f"demonstrations: from recorded drives nothing can be learned for {settings.env}; "
            "leave out --demonstrations or --env."
        )


def resumed_settings(folder: Path, changes: Sequence[dict[str, Any]]) -> RunSettings:
    """Return the settings of a run that is to go on, with changes laid over them.

    Args:
        folder: Of the run.
        changes: Nested mappings of names to values, of `agent` and `training` alone.

    Raises:
        RunFolderError: There is no run in the folder.
        SettingsError: Something else is to be changed, or a setting does not fit.
    """
    values = kept = RunFolder(folder).read_config()
    values.pop("versions", None)
    for change in changes:
        fixed = [name for name in change if name not in ("agent", "training")]
        if fixed:
            raise SettingsError(
                f"setting {fixed[0]} cannot be changed in a run that is resumed; only agent and "
                "training can, start another run for that."
            )
        values = merge(values, change)
    where = str(folder / "config.yaml")
    settings = build_settings(RunSettings, values, where)
    if settings.training.best_by != build_settings(RunSettings, kept, where).training.best_by:
        raise SettingsError(
            "setting training.best_by cannot be changed in a run that is resumed; its best policy "
            "so far was chosen by the other, start another run for that."
        )
    return settings


def new_run_folder(settings: RunSettings) -> Path:
    """Make a folder under `runs`, named after what is driven and the time, and return it.

    Where another run began in the same second, a number follows.

    Raises:
        RunFolderError: It cannot be made.
    """
    circuit = settings.task.circuits[0].partition("@")[0]
    what = Path(circuit).stem if settings.drives else settings.env
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = f"{what.replace('/', '-').replace(':', '-')}-{stamp}"
    return make_new_folder(RUNS, name)


def _without_version(env: str) -> str:
    return re.sub(r"-v\d+$", "", env)
