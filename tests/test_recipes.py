"""Every command and every recipe of the README and the manual, run as a reader would."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from claudemeter_tui.config.actions import EXAMPLES
from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.formatting.events import format_event_json
from claudemeter_tui.model.windows import Severity
from tests.bodies import (
    PERSONAL,
    TEAM,
    account_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    usage_body,
)
from tests.formatting.test_events import WORDS
from tests.formatting.test_json_schema import check
from tests.manual import PAGE
from tests.metrics_client import find_free_port
from tests.responses import Answer
from tests.server import LoopbackServer
from tests.terminal import CTRL_C, Terminal

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")
GATE = (ROOT / ".ci" / "packaging").read_text("utf-8")
BLOCKED = "BLOCKED"
RUN = {
    "claudemeter-tui --sessions": 0,
    "claudemeter-tui --config": 0,
    "claudemeter-tui --line": 0,
    "claudemeter-tui --line --color tmux": 0,
    "claudemeter-tui --json-schema": 0,
    "claudemeter-tui --check": 30,
    'claudemeter-tui --once --org "Acme Team"': 0,
    'claudemeter-tui --history --org "Acme Team" --since 2026-04-01 --until 2026-04-30': 0,
    "claudemeter-tui --export april.csv --since 2026-04-01": 0,
    "claudemeter-tui --export april.csv --since 2026-04-01 --until 2026-04-30": 0,
    "claudemeter-tui --export replies.ndjson --what replies --since 30d": 0,
    "claudemeter-tui --export evidence.zip --since 90d": 0,
    "claudemeter-tui --metrics claudemeter.prom": 0,
    "claudemeter-tui --extension install": 3,  # the home folder has no Chromium-based browser
    "claudemeter-tui --extension remove": 0,
    "claudemeter-tui --forget all --yes": 0,
}
"""Commands that are run as they are, with their exit statuses; the worst org is blocked."""
COMPLETIONS = {
    "bash": ".local/share/bash-completion/completions/claudemeter-tui",
    "zsh": ".zfunc/_claudemeter-tui",
    "fish": ".config/fish/completions/claudemeter-tui.fish",
}
"""File of each completion script below the home folder."""
ELSEWHERE = {
    "claudemeter-tui": "test_dashboards_open",
    "claudemeter-tui --demo": "test_dashboards_open",
    "claudemeter-tui --json --watch": "test_events_are_followed",
    "claudemeter-tui --metrics :19190": "test_metrics_are_served",
    "claudemeter-tui --forget ORG": "test_an_org_is_removed_by_its_uuid",
    **{
        f"claudemeter-tui --completion {shell} > ~/{path}": "test_completion_scripts_are_saved"
        for shell, path in COMPLETIONS.items()
    },
}
"""Commands that need more than a shell, with the tests below that run them."""
BY_THE_GATE = {
    "python3 -m venv .venv && ": 'bin/pip" install -q .',
    "pipx install ": '"$pipx" install',
    "pipx inject claudemeter-tui resvg-py": "inject --quiet claudemeter-tui resvg-py",
    "pipx inject claudemeter-tui prometheus-client": "inject --quiet claudemeter-tui prometheus-client",
    "pipx uninstall ": '"$pipx" uninstall',
    "uv tool install ": '"$uv" tool install',
    "ln -s ": """ln -s "$PWD/.venv/bin/claudemeter-tui" "$HOME/.local/bin/\"""",
    "man claudemeter-tui": "man --warnings -M",
}
"""Starts of commands that install something, and the lines of `.ci/packaging` that do it."""


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[Path]:
    """Yield a home folder in which the program is on the PATH and reads two orgs, one of them blocked."""
    program = tmp_path / ".local" / "bin" / "claudemeter-tui"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m claudemeter_tui "$@"\n')
    program.chmod(0o755)
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        for uuid, usage, overage in (
            (PERSONAL, usage_body(), overage_body()),
            (TEAM, usage_body(100.0, 71.0, resets_at=None, week_resets_at=None), locked_body()),
        ):
            bodies = {
                "usage": usage,
                "overage_spend_limit": overage,
                "subscription_details": subscription_body(),
                "prepaid/credits": prepaid_body(),
            }
            for name, body in bodies.items():
                server.routes[f"/api/organizations/{uuid}/{name}"] = Answer.json(body)
        (tmp_path / "url").write_text(server.url)
        yield tmp_path


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user with this home."""
    return {
        "HOME": str(home),
        "PATH": f"{home / 'stubs'}:{home / '.local/bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "CLAUDEMETER_BASE_URL": (home / "url").read_text(),
        "CLAUDEMETER_COOKIE": "sk-ant-sid01-PLANTED-MARKER",
    }


def run(home: Path, command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command line in a shell at home."""
    words = ["bash", "-c", command]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=home, env=environment(home), timeout=timeout
    )
    assert "PLANTED" not in done.stdout + done.stderr
    return done


def stub(home: Path, name: str) -> Callable[[], list[list[str]]]:
    """Put a command into the PATH that records its arguments; return a reader of all its calls."""
    record = home / f"{name}.calls"
    path = home / "stubs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" >> {record}\nprintf '\\n\\0' >> {record}\n")
    path.chmod(0o755)

    def read() -> list[list[str]]:
        calls = record.read_text("utf-8").split("\n\0") if record.exists() else []
        return [call.split("\0")[:-1] for call in calls if call]

    return read


def find_recipe(name: str) -> str:
    """Return the code block of a recipe."""
    found = re.search(rf"<!-- recipe: {name} -->\n```\w*\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None, name
    return found[1]


def list_commands() -> set[str]:
    """Return every command of the README outside of the recipes, and of the manual."""
    bare = re.sub(r"<!-- recipe: .*?```.*?```", "", TEXT, flags=re.DOTALL)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", bare, re.DOTALL | re.MULTILINE)
    lines = [line for kind, block in blocks if kind in ("", "sh") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", bare, flags=re.DOTALL | re.MULTILINE)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    lines += [code for code in inline if code.startswith(("claudemeter-tui ", *BY_THE_GATE))]
    found = {re.sub(r"\s+#.*", "", line).removeprefix("$ ").strip() for line in lines}
    found = {line for line in found if "claudemeter-tui" in line}
    return found | {command for command, _ in EXAMPLES}


def test_every_command_is_run() -> None:
    """A command of the README or the manual that no test runs fails here."""
    found = list_commands()
    others = {line for line in found if line.startswith(tuple(BY_THE_GATE))}
    assert found - others == RUN.keys() | ELSEWHERE.keys()
    assert {name for name in ELSEWHERE.values() if name not in globals()} == set()
    assert [line for line in BY_THE_GATE.values() if line not in GATE] == []
    recipes = set(re.findall(r"<!-- recipe: (.+) -->", TEXT))
    assert recipes == {"tmux", "starship", "waybar", "waybar-style", "cron", "notify-send", "osascript"}
    page = PAGE.read_text("utf-8").replace("\\-", "-").replace("\\(aq", "'")
    assert [command for command, _ in EXAMPLES if command not in page] == []


@pytest.mark.tools
def test_commands_work_as_they_are_written(home: Path) -> None:
    """Each command prints something or writes its file, without an error."""
    assert run(home, "claudemeter-tui --once").returncode == 0  # the history has something to export
    for command, status in RUN.items():
        done = run(home, command)
        assert (command, done.returncode, done.stderr) == (command, status, "")
        named = re.search(r"--(?:export|metrics) (\S+)", command)
        assert (home / named[1]).stat().st_size if named else done.stdout or "--forget" in command


@pytest.mark.tools
def test_dashboards_open(home: Path) -> None:
    """Without flags it shows the orgs, with `--demo` the simulated day; `q` leaves both."""
    for command, shown in (("claudemeter-tui", "Acme Team"), ("claudemeter-tui --demo", "60x speed")):
        words = ["bash", "-c", f"exec {command}"]
        with Terminal(words, columns=120, rows=36, env=environment(home), cwd=home) as terminal:
            terminal.wait_for(shown)
            terminal.send("q")
            assert terminal.wait() == 0


@pytest.mark.tools
def test_events_are_followed(home: Path) -> None:
    """The state of each org comes first; Ctrl+C ends it with 130."""
    words = ["bash", "-c", "exec claudemeter-tui --json --watch"]
    with Terminal(words, columns=120, rows=36, env=environment(home), cwd=home) as terminal:
        terminal.wait_for("Acme Team")
        terminal.send(CTRL_C)
        assert terminal.wait() == 130


@pytest.mark.tools
def test_metrics_are_served(home: Path) -> None:
    """The unit's command serves what the scrape configuration asks for, and ends with 0 when it is stopped.

    Only the port is another one, because several tests run at the same time.
    """
    port = f":{find_free_port()}"
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(find_block("unit"))
    command = unit["Service"]["ExecStart"].replace("%h", str(home)).replace(":19190", port)
    (target,) = re.findall(r'"(.+)"', find_block("scrape").replace(":19190", port))
    with subprocess.Popen(
        shlex.split(command), env=environment(home), stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout is not None
            assert service.stdout.readline() == f"serving http://{target}/metrics\n"
            assert httpx.get(f"http://{target}/metrics").status_code == 200
            service.send_signal(signal.SIGTERM)
            assert service.wait(60) == 0
        finally:
            service.kill()


def find_block(name: str) -> str:
    """Return a code block of the section about metrics."""
    found = re.search(rf"<!-- metrics: {name} -->\n```\w*\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None, name
    return found[1]


@pytest.mark.tools
def test_an_org_is_removed_by_its_uuid(home: Path) -> None:
    """Only the other org is left."""
    run(home, "claudemeter-tui --once")
    assert run(home, f"claudemeter-tui --forget {TEAM} < /dev/null").returncode == 2  # it cannot ask
    assert run(home, f"claudemeter-tui --forget {TEAM} --yes").returncode == 0
    history = run(home, "claudemeter-tui --history").stdout
    assert ("Personal" in history, "Acme Team" in history) == (True, False)


@pytest.mark.tools
def test_completion_scripts_are_saved(home: Path) -> None:
    """The block with the commands runs as a whole, and writes a script for each shell."""
    found = re.search(r"^```sh\n(# bash, with.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None
    done = run(home, f"set -e\n{found[1]}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for path in COMPLETIONS.values():
        assert "json-schema" in (home / path).read_text("utf-8")


@pytest.mark.tools
def test_tmux_shows_the_line_in_colour(home: Path) -> None:
    """A real tmux with these lines as its configuration shows the worst org, bold and red."""
    (home / ".tmux.conf").write_text(find_recipe("tmux"))
    tmux = ["tmux", "-S", str(home / "socket")]
    with Terminal(
        [*tmux, "-f", ".tmux.conf", "new-session", "sleep", "60"],
        rows=10,
        cwd=home,
        env=environment(home),
    ) as terminal:
        try:
            terminal.wait_for(BLOCKED)
            assert terminal.lines[-1].endswith("Acme Team")
        finally:
            subprocess.run([*tmux, "kill-server"], check=True, timeout=60)


@pytest.mark.tools
def test_starship_gets_a_line(home: Path) -> None:
    """The recipe is valid TOML, and its command prints one line with the verdict, within its time limit."""
    recipe = tomllib.loads(find_recipe("starship"))
    module = recipe["custom"]["claude"]
    assert (module["when"], module["style"]) == (True, "yellow")
    done = run(home, module["command"], timeout=recipe["command_timeout"] / 1000 * 5)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert done.stdout.startswith(BLOCKED)


@pytest.mark.tools
def test_waybar_gets_an_object_in_one_line(home: Path) -> None:
    """The recipe is valid JSON, its output has Waybar's keys, and its styles name existing classes."""
    module = json.loads(f"{{{find_recipe('waybar')}}}")["custom/claude"]
    assert (module["return-type"], module["escape"]) == ("json", True)
    done = run(home, module["exec"])
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    shown = check("line", done.stdout)
    assert shown["text"].startswith(BLOCKED)
    assert (shown["class"], shown["percentage"]) == (["blocked", "full"], 100)
    styled = set(re.findall(r"#custom-claude\.(\w+)", find_recipe("waybar-style")))
    assert styled == {"warning", "critical", "full", "stale"}
    (home / "url").write_text("http://127.0.0.1:9")
    failed = run(home, module["exec"])
    assert (failed.returncode, check("line", failed.stdout)["class"][0]) == (0, "unknown")


@pytest.mark.tools
@pytest.mark.parametrize(("calls", "status"), [([["Claude is blocked"]], 30), ([], 4)])
def test_cron_notifies_only_of_a_blocked_org(home: Path, calls: list[list[str]], status: int) -> None:
    """The line of the crontab runs in sh; cron would send what it prints by e-mail, so it prints nothing."""
    read = stub(home, "notify-send")
    if status != 30:
        (home / "url").write_text("http://127.0.0.1:9")
    *times, command = find_recipe("cron").strip().split(" ", 5)
    assert times == ["*/5", "*", "*", "*", "*"]
    assert run(home, "claudemeter-tui --check").returncode == status
    done = run(home, f"sh -c {shlex.quote(command)}")
    assert (done.returncode, done.stdout) == (0, "")
    assert read() == calls


@pytest.mark.tools
@pytest.mark.parametrize("name", ["notify-send", "osascript"])
def test_events_become_notifications(home: Path, name: str) -> None:
    """Every event of severity warning or worse is shown with its org, in one argument; the others are not."""
    read = stub(home, name)
    file = home / "config.toml"
    file.write_text(find_recipe(name), "utf-8")
    command = load_settings(["--config"], {}, file).on_event
    expected = []
    for number, (event, _) in enumerate(WORDS):
        text = format_event_json(event._replace(severity=Severity(number % len(Severity))))
        done = subprocess.run(
            command, input=f"{text}\n", env=environment(home), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        shown = json.loads(text)
        if shown["severity"] != "normal":
            expected.append(f"{shown['org_name'] or shown['session']}: {shown['text']}")
    assert len(expected) >= 3
    assert [call[-1] for call in read()] == expected
    assert {call[-2] for call in read()} == ({"Claude"} if name == "notify-send" else {"--"})
