"""The policy folder: what was learned, with the specification that it fits."""

from f1_rl.policy.environment import (
    EnvironmentManifest,
    EnvironmentPolicy,
    load_environment_policy,
    names_environment,
)
from f1_rl.policy.manifest import PolicyError, PolicyManifest
from f1_rl.policy.policy import Policy, load_policy
from f1_rl.policy.writer import save_policy

__all__ = [
    "EnvironmentManifest",
    "EnvironmentPolicy",
    "Policy",
    "PolicyError",
    "PolicyManifest",
    "load_environment_policy",
    "load_policy",
    "names_environment",
    "save_policy",
]
