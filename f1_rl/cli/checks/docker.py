"""Docker, which only those need who run the images of docker/."""

import shutil

from f1_rl.cli.checks.finding import Finding, absent, ok, warn
from f1_rl.cli.checks.programs import ask

_ANSWER_WITHIN_S = 15.0


def docker() -> Finding:
    """Ask Docker's daemon for its version, and whether it can give a GPU to a container."""
    program = shutil.which("docker")
    if program is None:
        return absent("not installed; needed for the images of docker/ alone")
    told = ask([program, "info", "--format", "{{.ServerVersion}} {{.Runtimes}}"], _ANSWER_WITHIN_S)
    if told is None:
        return warn("the daemon does not answer", "sudo systemctl restart docker")
    if told.status != 0:
        if "permission denied" in told.err.lower():
            return warn(
                "the daemon refuses this user", "sudo usermod -aG docker $USER, then log in again"
            )
        return warn(f"the daemon cannot be asked ({told.reason})", "sudo systemctl start docker")
    version, _, runtimes = told.out.strip().partition(" ")
    if shutil.which("nvidia-smi") and "nvidia" not in runtimes:
        return warn(
            f"{version}; containers get no GPU",
            "apt install nvidia-container-toolkit && sudo nvidia-ctk runtime configure "
            "--runtime=docker && sudo systemctl restart docker",
        )
    return ok(version)
