"""The completion scripts, each typed into its own shell in a real terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.commands.completion import format_completion
from claudemeter_tui.config.actions import SHELLS, build_flag_parser
from tests.terminal import TAB, Terminal

BARE = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
"""Each shell without the user's own configuration."""
LOADS = {
    "bash": "source ./script",
    "zsh": "fpath=($PWD $fpath); autoload -U compinit && compinit -D -u",
    "fish": "source ./script",
}
"""Command with which each shell loads a script; zsh finds it by its name when it is needed."""
TYPED = (
    ("claudemeter-tui --onc", "claudemeter-tui --once"),
    ("claudemeter-tui --json-s", "claudemeter-tui --json-schema"),
    ("claudemeter-tui --theme nor", "claudemeter-tui --theme nord"),
    ("claudemeter-tui --completion zs", "claudemeter-tui --completion zsh"),
    ("claudemeter-tui --what cy", "claudemeter-tui --what cycles"),
    ("claudemeter-tui --export old-ap", "claudemeter-tui --export old-april.csv"),
    ("claudemeter-tui --cookie-file old-ap", "claudemeter-tui --cookie-file old-april.csv"),
    ("claudemeter-tui --pictures shot", "claudemeter-tui --pictures shots/"),
)
"""A line before the tab key, and after it: flags, choices, files and folders."""
CTRL_U = "\x15"


@pytest.mark.parametrize("shell", SHELLS)
def test_script_names_no_folder(shell: str) -> None:
    """Only the README says where a script is saved; the one for zsh begins with its command."""
    script = format_completion(shell)
    assert "AUTOMATICALLY GENERATED" in script
    assert not [word for word in ("Usage:", "Copy this", ".bashrc", ".zshrc") if word in script]
    assert script.startswith("#compdef claudemeter-tui\n") is (shell == "zsh")


@pytest.mark.tools
@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes_flags_choices_and_files(shell: str, tmp_path: Path) -> None:
    """After the tab key the line is complete; `.ci/run` installs the shells."""
    script = tmp_path / ("_claudemeter-tui" if shell == "zsh" else "script")
    script.write_text(format_completion(shell), "utf-8")
    (tmp_path / "old-april.csv").touch()
    (tmp_path / "shots").mkdir()
    place = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    # A command of this name exists, as it does after an installation.
    program = tmp_path / "bin" / "claudemeter-tui"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    place["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    with Terminal(BARE[shell], columns=140, rows=40, env=place, cwd=tmp_path) as terminal:
        terminal.send(f"{LOADS[shell]}; echo lo''aded\r")
        terminal.wait_for("loaded")
        for typed, expected in TYPED:
            terminal.send(typed + TAB)
            terminal.wait_for(expected)
            terminal.send(CTRL_U)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_flag_is_in_every_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints a script that has every flag of the program."""
    assert main(["--completion", shell]) == 0
    script = capsys.readouterr().out
    assert script == f"{format_completion(shell)}\n"
    flags = [name for flag in build_flag_parser()._actions for name in flag.option_strings]
    assert len(flags) > 30
    mark = "-l {}" if shell == "fish" else "--{}"
    missing = [name for name in flags if name != "-h" and mark.format(name.lstrip("-")) not in script]
    assert missing == []


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the shells, or the one that was meant."""
    for shell, says in (("csh", "choose from bash, zsh, fish"), ("fsh", "did you mean fish?")):
        assert main(["--completion", shell]) == 2
        assert capsys.readouterr().err == (
            f"claudemeter-tui: --completion: unknown shell {shell!r}; {says}\n"
        )
