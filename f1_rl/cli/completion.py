"""`f1-rl completion`: the script by which a shell completes the commands of `f1-rl`."""

import argparse

import shtab

from f1_rl.cli.completions import add_completions

SUMMARY = "Print the script that lets a shell complete verbs, options, circuits and settings."

SHELLS = tuple(
    shell for shell in ("bash", "zsh", "fish", "tcsh") if shell in shtab.SUPPORTED_SHELLS
)

_INSTALL = """to complete from now on (`f1-rl` must be on the PATH):
  bash  echo 'source <(f1-rl completion bash)' >> ~/.bashrc
  zsh   echo 'source <(f1-rl completion zsh)' >> ~/.zshrc   (after compinit)
  fish  f1-rl completion fish > ~/.config/fish/completions/f1-rl.fish
  tcsh  f1-rl completion tcsh > ~/.f1-rl.tcsh; echo 'source ~/.f1-rl.tcsh' >> ~/.tcshrc"""

# A setting is completed up to its `=`, after which a value follows, not a space.
_NO_SPACE = """
_f1_rl_without_space() {
  _shtab_f1_rl "$@"
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -o bashdefault -F _f1_rl_without_space f1-rl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _INSTALL
    parser.add_argument("shell", choices=SHELLS, help=f"the shell: {', '.join(SHELLS)}")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    print(script(arguments.shell))
    return 0


def script(shell: str) -> str:
    """Return the script for a shell of `SHELLS`."""
    from f1_rl.cli.main import build_parser

    parser = build_parser()
    add_completions(parser)
    text = str(shtab.complete(parser, shell))
    return text + _NO_SPACE if shell == "bash" else text
