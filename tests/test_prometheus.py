"""The metrics in a real Prometheus: every scene, the alert rules and the configuration of the README."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.commands.metrics import MetricsRenderer
from claudemeter_tui.model.store import Store
from tests import scenes
from tests.bodies import (
    PERSONAL,
    TEAM,
    account_body,
    locked_body,
    org_body,
    overage_body,
    team_body,
    usage_body,
)
from tests.golden.scenes import scenes as list_scenes
from tests.metrics_client import Program, read_samples
from tests.prometheus import Prometheus, run_promtool
from tests.responses import Answer
from tests.scenes import NOW, OrgBodies
from tests.server import LoopbackServer
from tests.test_recipes import find_block

INSTANCE = {"instance": "127.0.0.1:19190", "job": "claudemeter"}
"""Labels that Prometheus adds to each series."""
LAST_SUCCESS = "claudemeter_org_last_success_timestamp_seconds"
FAST = OrgBodies(org=org_body(scenes.LAB, "Lab"), usage=usage_body(90.0, 41.0), overage=overage_body())
"""An org whose 5-hour window will be full before it resets."""
WAITING = replace(
    scenes.WAITING,
    org=org_body("5010a1b2-0000-4000-8000-000000000004", "Solo"),
    usage=usage_body(100.0, 41.0),
)
"""An org whose 5-hour window is full, without usage credits."""
CALM = OrgBodies(usage=usage_body(10.0, 10.0), overage=overage_body())
"""An org without any alert."""
SEVERITIES = {
    "ClaudeBlocked": "critical",
    "ClaudeWait": "warning",
    "ClaudeCapNear": "warning",
    "ClaudeFiguresStale": "warning",
    "ClaudeWindowFullSoon": "warning",
}
"""Every rule, and the severity of its alerts."""


def render(store: Store, now: datetime = NOW, *, shows_names: bool = True) -> str:
    """Return the metrics of a store."""
    renderer = MetricsRenderer(lambda: now, shows_names=shows_names)
    renderer.store = store
    return renderer.render()[0].decode()


@pytest.mark.tools
def test_promtool_accepts_the_metrics_of_every_scene() -> None:
    """`promtool check metrics` has no complaint, with names and without; no scene is without metrics."""
    for scene in list_scenes():
        for shows_names in (True, False):
            run_promtool("check", "metrics", text=render(scene.store, scene.now, shows_names=shows_names))


def build_series(store: Store, *, stale: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return the input series of a rule test: the samples of a store for an hour.

    The clock of a test begins at 0. The figures of the orgs with these names stay as old as they are then.
    """
    samples = read_samples(render(store))
    names = {
        dict(labels)["org"]: dict(labels)["name"] for name, labels in samples if name.endswith("org_info")
    }
    series = []
    for (name, labels), value in samples.items():
        shown = {**dict(labels), **INSTANCE}
        text = f"{name}{{{','.join(f'{key}={json.dumps(word)}' for key, word in sorted(shown.items()))}}}"
        is_fresh = name == LAST_SUCCESS and names[shown["org"]] not in stale
        constant = 0 if name == LAST_SUCCESS else value
        series.append({"series": text, "values": "0+60x60" if is_fresh else f"{constant}+0x60"})
    return series


def expect(rule: str, minute: int, *alerts: tuple[dict[str, str], str]) -> dict[str, Any]:
    """Return the alerts of a rule that are expected at a minute: labels and summary."""
    return {
        "alertname": rule,
        "eval_time": f"{minute}m",
        "exp_alerts": [
            {
                "exp_labels": {**INSTANCE, "severity": SEVERITIES[rule], **labels},
                "exp_annotations": {"summary": summary},
            }
            for labels, summary in alerts
        ],
    }


def find_org(store: Store, name: str) -> str:
    """Return the identifier of an org."""
    labels = (dict(labels) for metric, labels in read_samples(render(store)) if metric.endswith("org_info"))
    return next(one["org"] for one in labels if one["name"] == name)


def check_rules(folder: Path, *tests: tuple[Sequence[dict[str, str]], Sequence[dict[str, Any]]]) -> None:
    """Run the rules of the README over series, and compare the alerts."""
    (folder / "rules.yml").write_text(find_block("rules"))
    run_promtool("check", "rules", str(folder / "rules.yml"))
    cases = [
        {"interval": "1m", "input_series": series, "alert_rule_test": expected} for series, expected in tests
    ]
    # JSON is YAML.
    (folder / "tests.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": cases}))
    run_promtool("test", "rules", str(folder / "tests.yml"))


@pytest.mark.tools
def test_rules_alert_to_what_they_are_for(tmp_path: Path) -> None:
    """An org that is blocked or waits, a reached cap, a window that fills too early and old figures.

    The names are shown, and each alert has its severity.
    """
    store = scenes.store(CALM, scenes.TEAM, FAST, WAITING)
    team, lab, calm = (find_org(store, name) for name in ("Acme Team", "Lab", "Personal"))
    blocked = {"org": team, "state": "blocked", "name": "Acme Team"}
    waits = {"org": find_org(store, "Solo"), "state": "wait", "name": "Solo"}
    cap = {"org": team, "owner": "own", "name": "Acme Team"}
    windows = [
        (
            {"org": org, "window": window, "name": name},
            f"{name}: {window} will be full before it resets, at this pace",
        )
        for org, name, window in ((team, "Acme Team", "seven_day"), (lab, "Lab", "five_hour"))
    ]
    age = f"no current figures of Claude (org {calm}, source )"
    check_rules(
        tmp_path,
        (
            build_series(store),
            [
                expect("ClaudeBlocked", 1, (blocked, "Acme Team is blocked: the next prompt is refused")),
                expect(
                    "ClaudeWait",
                    1,
                    (waits, "Solo waits for a window: the next prompt is refused until it resets"),
                ),
                expect("ClaudeCapNear", 1, (cap, "Acme Team has used 100% of its cap (own)")),
                expect("ClaudeWindowFullSoon", 10),
                expect("ClaudeWindowFullSoon", 16, *windows),
                expect("ClaudeFiguresStale", 60),
            ],
        ),
        (
            build_series(store, stale=["Personal"]),
            [
                expect("ClaudeFiguresStale", 15),
                expect("ClaudeFiguresStale", 30, ({"org": calm}, age)),
            ],
        ),
    )


@pytest.mark.tools
def test_rules_are_quiet_if_all_is_well(tmp_path: Path) -> None:
    """An org with room alerts to nothing in an hour; one with 79% of its cap neither."""
    near = OrgBodies(usage=usage_body(10.0, 10.0), overage=overage_body(3999, 5000))
    check_rules(
        tmp_path,
        *(
            (build_series(scenes.store(org)), [expect(rule, at) for rule in SEVERITIES for at in (20, 60)])
            for org in (CALM, near)
        ),
    )


@pytest.mark.tools
def test_missing_sources_are_stale(tmp_path: Path) -> None:
    """No session, a session that fails, and a server that does not answer are all reported."""
    source = {"source": "abc"}
    summary = "no current figures of Claude (org , source {})".format

    def series(name: str, **labels: str) -> list[dict[str, str]]:
        words = ",".join(f'{key}="{word}"' for key, word in {**labels, **INSTANCE}.items())
        return [{"series": f"{name}{{{words}}}", "values": "0+0x60"}]

    failing, silent = series("claudemeter_source_up", source="abc"), series("up")
    check_rules(
        tmp_path,
        (
            failing,
            [expect("ClaudeFiguresStale", 4), expect("ClaudeFiguresStale", 6, (source, summary("abc")))],
        ),
        (series("claudemeter_sources"), [expect("ClaudeFiguresStale", 6, ({}, summary("")))]),
        (silent, [expect("ClaudeFiguresStale", 6, ({}, summary("")))]),
    )


@pytest.mark.slow
@pytest.mark.tools
@pytest.mark.parametrize("token", ["", "0123456789abcdef"], ids=["open", "token"])
def test_real_prometheus_scrapes_the_program(token: str, tmp_path: Path) -> None:
    """With the README's configuration every scrape works, and the rules find the blocked org."""
    file = tmp_path / "token"
    file.write_text(token)
    (tmp_path / "rules.yml").write_text(find_block("rules"))
    with LoopbackServer() as claude_ai:
        claude_ai.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        for uuid, usage, overage in (
            (PERSONAL, usage_body(41.0, 67.0), overage_body()),
            (TEAM, usage_body(100.0, 71.0, resets_at=None), locked_body()),
        ):
            claude_ai.routes[f"/api/organizations/{uuid}/usage"] = Answer.json(usage)
            claude_ai.routes[f"/api/organizations/{uuid}/overage_spend_limit"] = Answer.json(overage)
        program = Program(tmp_path, claude_ai.url, *(("--metrics-token-file", str(file)) if token else ()))
        config = find_block("scrape").replace("127.0.0.1:19190", f"127.0.0.1:{program.port}")
        config = config.replace("scrape_interval: 30s", "scrape_interval: 1s")
        if token:
            config += f"    authorization: {{credentials_file: {file}}}\n"
        config += "rule_files: [rules.yml]\nglobal: {evaluation_interval: 1s}\n"
        with program, Prometheus(tmp_path, config) as prometheus:
            run_promtool_on_config(tmp_path)
            prometheus.wait_for(lambda it: any(value >= 5 for _, value in it.query("sum_over_time(up[1m])")))
            assert [value for _, value in prometheus.query("min_over_time(up[1m])")] == [1]
            (target,) = prometheus.get("targets")["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")
            prometheus.wait_for(lambda it: bool(it.query('ALERTS{alertname="ClaudeBlocked"}')))
            ((alert, _),) = prometheus.query('ALERTS{alertname="ClaudeBlocked"}')
            assert (alert["alertstate"], alert["name"] == "Acme Team") == ("firing", bool(token))
            groups = prometheus.get("rules")["groups"]
            health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
            assert health == dict.fromkeys(SEVERITIES, "ok")
            series = prometheus.get("series", **{"match[]": '{__name__=~"claudemeter_.+"}'})
            assert len(series) > 40
            assert bool(re.search("Acme|pat@example", json.dumps(series))) is bool(token)


def run_promtool_on_config(folder: Path) -> None:
    """Check the configuration, whose complaints Prometheus itself would only log."""
    run_promtool("check", "config", str(folder / "prometheus.yml"))
