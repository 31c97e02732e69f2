"""Which training loops are compared with each other, and by how much ours is to be faster."""

from dataclasses import dataclass, replace

from f1_rl.benchmark.systems import SYSTEMS
from f1_rl.benchmark.work import CARTPOLE, PIXELS, Work
from f1_rl.settings import build_settings

MANY = 32
_OURS, _STOCK, _SB3, _SBX = "ours", "tf-agents", "sb3", "sbx"


@dataclass(frozen=True)
class Entry:
    """A system with the work that it does."""

    system: str
    work: Work

    @property
    def title(self) -> str:
        """The system, and how its updates are gathered where they are."""
        updates, steps = self.work.updates_per_call, self.work.steps_per_call
        gathered = f", {updates} updates every {steps} steps" if updates > 1 else ""
        return SYSTEMS[self.system].title + gathered


@dataclass(frozen=True)
class Group:
    """Entries that differ in the system, and in how updates are gathered into calls.

    Attributes:
        name: For programs.
        title: For people.
        entries: The first is ours.
        targets: By system how many times faster ours is to be: the fastest of ours by the fastest
            of that system.
    """

    name: str
    title: str
    entries: tuple[Entry, ...]
    targets: dict[str, float]


def _entries(work: Work, *systems: str, steps_per_call: int | None = None) -> tuple[Entry, ...]:
    if steps_per_call is not None:
        changed = {**work.as_dict(), "steps_per_call": steps_per_call}
        work = build_settings(Work, changed)
    return tuple(Entry(system, work) for system in systems)


def _groups() -> tuple[Group, ...]:
    # The network, the batch and the updates of TF-Agents' examples for CartPole.
    cartpole = Work(preset=CARTPOLE, batch_size=64, n_step=1, units=(100,))
    many_poles = build_settings(
        Work, {**cartpole.as_dict(), "num_envs": MANY, "steps_per_call": MANY}
    )
    car = Work(preset=PIXELS, steps_per_call=4, steps_per_update=4, batch_size=128, n_step=3)
    cars = build_settings(Work, {**car.as_dict(), "num_envs": MANY, "steps_per_call": MANY})
    poles = {_STOCK: 40.0, _SB3: 10.0, _SBX: 1.5}
    pixels = {_STOCK: 4.0, _SB3: 2.5}
    return (
        Group(
            "cartpole",
            "One CartPole-v1, 64 samples for each environment step",
            (
                *_entries(cartpole, _OURS),
                *_entries(cartpole, _OURS, steps_per_call=64),
                *_entries(cartpole, _STOCK, _SB3),
                *_entries(cartpole, _SB3, steps_per_call=64),
                *_entries(cartpole, _SBX),
                *_entries(cartpole, _SBX, steps_per_call=64),
            ),
            poles,
        ),
        Group(
            "cartpole-many",
            f"{MANY} CartPole-v1, 64 samples for each environment step",
            _entries(many_poles, _OURS, _STOCK, _SB3, _SBX),
            poles,
        ),
        Group(
            "pixels",
            "One car, 32 samples for each environment step",
            (
                *_entries(car, _OURS),
                *_entries(car, _OURS, steps_per_call=MANY),
                *_entries(car, _STOCK, _SB3, _SBX),
                *_entries(car, _SBX, steps_per_call=MANY),
            ),
            pixels,
        ),
        Group(
            "pixels-many",
            f"{MANY} cars, 32 samples for each environment step",
            _entries(cars, _OURS, _STOCK, "tf-agents-vector", _SB3, "sb3-vector", _SBX),
            pixels,
        ),
    )


GROUPS = _groups()


def without(group: Group, systems: set[str]) -> Group:
    """Return the group without some systems."""
    return replace(
        group, entries=tuple(entry for entry in group.entries if entry.system not in systems)
    )
