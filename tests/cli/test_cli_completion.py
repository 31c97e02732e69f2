"""Shell completion, asked of a real shell."""

import shutil
import subprocess

import pytest
from cli_helpers import tell

from f1_rl.circuits import circuit_names
from f1_rl.cli.completion import SHELLS
from f1_rl.cli.main import VERBS


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """A file with the script of each shell."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        (folder / shell).write_text(tell("completion", shell).out, "utf-8")
    return folder


@pytest.fixture
def complete(scripts, tmp_path):
    """Return what bash offers for a line, the last word of which is completed."""
    (tmp_path / "mine.csv").touch()
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "mine.txt").touch()
    (tmp_path / "runs").mkdir()

    def offered(line: str) -> set[str]:
        # Bash makes words of its own of `=`; there is none before the last word here.
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        ended = subprocess.run(
            [
                "bash",
                "--norc",
                "-c",
                f"source {scripts / 'bash'}\n"
                f"COMP_WORDS=({quoted})\nCOMP_CWORD={len(words) - 1}\n"
                "_f1_rl_without_space 2>/dev/null\n"
                'printf "%s\\n" "${COMPREPLY[@]}"',
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return set(filter(None, ended.stdout.splitlines()))

    return offered


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


@needs_bash
def test_bash_completes_verbs_and_options(complete):
    assert complete("f1-rl ") >= set(VERBS)
    assert complete("f1-rl tr") == {"train"}
    assert {"--circuit", "--preset", "--set"} <= complete("f1-rl train --")
    assert complete("f1-rl train --dev") == {"--device"}
    assert complete("f1-rl train --device ") == {"auto", "cpu", "gpu"}
    assert complete("f1-rl circuit wo") == {"world"}
    assert complete("f1-rl completion ") == set(SHELLS)


@needs_bash
def test_bash_completes_circuits_presets_and_settings(complete):
    assert complete("f1-rl train --circuit ") == {*circuit_names(), "random-", "mine.csv", "runs"}
    assert complete("f1-rl circuit export ov") == {"oval"}
    assert complete("f1-rl train --preset tab") == {"tabular"}
    assert "mine.yaml" in complete("f1-rl train --preset ")
    assert complete("f1-rl train --set agent.gam") == {"agent.gamma="}
    assert complete("f1-rl train --set agent.network.d") == {"agent.network.dueling="}
    deep = complete("f1-rl train --set task.camera.")
    assert {"task.camera.width=", "task.camera.height="} < deep
    assert all(name.startswith("task.camera.") for name in deep)


@needs_bash
def test_bash_completes_run_folders_and_bags_as_files(complete):
    assert complete("f1-rl drive ") == {"runs"}
    assert complete("f1-rl report ru") == {"runs"}
    assert complete("f1-rl train --resume ") == {"runs"}
    assert {"runs", "mine.txt"} <= complete("f1-rl replay ")
    assert {"runs", "mine.txt"} <= complete("f1-rl train --demonstrations ")


@needs_bash
def test_bash_registers_the_completion_and_adds_no_space_after_a_setting(scripts):
    source = f"source {scripts / 'bash'}; "
    told = subprocess.run(
        ["bash", "--norc", "-c", source + "complete -p f1-rl"], capture_output=True, text=True
    )
    assert told.stdout == "complete -o bashdefault -F _f1_rl_without_space f1-rl\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_can_read(shell, scripts):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    arguments = ["-n", scripts / shell]
    assert subprocess.run([shell, *arguments], capture_output=True).returncode == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_every_shell_knows_the_names(shell, scripts):
    text = (scripts / shell).read_text("utf-8")
    for name in ("chicanes", "tabular", "agent.gamma=", "determinism"):
        assert name in text, name


@pytest.mark.parametrize("shell", SHELLS)
def test_the_help_says_how_to_install_it(shell):
    assert f"f1-rl completion {shell}" in tell("completion", "--help").out
