"""The schema of `--json-schema` describes exactly what the commands print."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from claudemeter_tui.cli import main
from claudemeter_tui.commands.status import StatusRequest, answer_request
from claudemeter_tui.formatting.events import format_event_json
from claudemeter_tui.formatting.export import COLUMNS, ExportKind
from claudemeter_tui.formatting.json_schema import COLUMN_SCHEMAS, DIALECT, build_schema
from claudemeter_tui.formatting.report import format_json_array
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.history.database import locate_archive
from claudemeter_tui.model.store import Store
from tests.formatting.test_events import WORDS
from tests.golden.scenes import Scene, scenes
from tests.golden.texts import ran
from tests.history.export_cases import fill
from tests.model.readings import org, spend
from tests.model.values import NOW, OPEN, five_hour
from tests.scenes import INTERVAL

FORMATS = FormatChecker(())


def _is_utc(value: object) -> bool:
    """Return True for a time in UTC, and for null."""
    if isinstance(value, str):
        return value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None
    return True


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or str(date.fromisoformat(value)) == value


FORMATS.checks("date-time", ValueError)(_is_utc)
FORMATS.checks("date", ValueError)(_is_date)


def iterate_parts(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a schema, the outermost first."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from iterate_parts(inner)


def iterate_keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each described key with its schema."""
    for part in iterate_parts(schema):
        if isinstance(part.get("properties"), dict):
            yield from part["properties"].items()


@cache
def build_validator(name: str) -> Draft202012Validator:
    """Return a validator of one kind of text that refuses keys without a description."""
    schema = copy.deepcopy(build_schema())
    for part in iterate_parts(schema):
        if isinstance(part.get("properties"), dict):
            part["additionalProperties"] = False
    del schema["anyOf"]
    return Draft202012Validator(schema | {"$ref": f"#/$defs/{name}"}, format_checker=FORMATS)


def check(name: str, text: str) -> Any:
    """Check a text strictly as one kind, and as a reader would against the whole schema; return its value."""
    value = json.loads(text)
    faults = [
        f"{fault.json_path}: {fault.message[:200]}" for fault in build_validator(name).iter_errors(value)
    ]
    assert faults == []
    assert Draft202012Validator(build_schema()).is_valid(value)
    return value


def test_schema_is_a_json_schema_that_explains_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints a valid schema of the draft of 2020-12; every key says what it means."""
    assert main(["--json-schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert (schema, schema["$schema"]) == (build_schema(), DIALECT)
    Draft202012Validator.check_schema(schema)
    for key, part in iterate_keys(schema):
        says = part.get("description", "")
        assert len(says) > 5, key
        is_nullable = '"null"' in json.dumps([part.get("type"), part.get("anyOf")])
        assert is_nullable <= (" Null " in says), key


def test_every_text_names_the_version() -> None:
    """Each kind of text has `schema_version` as its first key: an array has it in each object."""
    schema = build_schema()
    names = [one["$ref"].rpartition("/")[2] for one in schema["anyOf"]]
    tops = [schema["$defs"]["org" if name == "orgs" else name] for name in names]
    assert len(tops) >= 12
    assert {next(iter(top["properties"])) for top in tops} == {"schema_version"}


def test_every_column_is_described() -> None:
    """The schema has the columns of the exports, in their order."""
    assert {kind: tuple(columns) for kind, columns in COLUMN_SCHEMAS.items()} == COLUMNS


@pytest.mark.parametrize("scene", scenes(), ids=lambda scene: scene.name)
def test_every_scene_fits_the_schema(scene: Scene) -> None:
    """Orgs, lines and events of every scene have the described keys and no others, of the described types."""
    store = scene.store
    check("orgs", format_json_array(store, store.orgs, scene.now))
    asked = StatusRequest(lambda: scene.now, lambda: scene.readings, INTERVAL, None, DEFAULT_TEMPLATE, "json")
    check("line", answer_request(asked, None, lambda _: None).text)
    for event in scene.events:
        check("event", format_event_json(event))


def test_every_kind_of_event_fits_the_schema() -> None:
    """Events that no scene has fit, too."""
    for event, _ in WORDS:
        check("event", format_event_json(event))


def test_spending_beside_room_in_the_plan_fits_the_schema() -> None:
    """The amount that no scene has fits, too."""
    state = spend(org(five_hour(97), credits_=OPEN), 15)
    (shown,) = check("orgs", format_json_array(Store((state,)), [state], NOW))
    assert shown["verdict"]["spending"] == {"minor": 40, "currency": "USD", "exponent": 2}


def export(name: str, *arguments: str) -> bytes:
    """Return an export of a filled archive."""
    path = Path(name)
    assert main(["--export", name, *arguments]) == 0
    return path.read_bytes()


@pytest.mark.parametrize("privacy", [(), ("--privacy",)], ids=["names", "pseudonyms"])
@pytest.mark.parametrize("by_hand", [True, False], ids=["known rows", "derived rows"])
def test_exports_and_history_fit_the_schema(
    privacy: tuple[str, ...],
    by_hand: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every format and kind of rows, the bundle's own files, and the printed history."""
    monkeypatch.chdir(tmp_path)
    fill(locate_archive(), by_hand=by_hand)
    for kind in ExportKind:
        rows = check(f"{kind}_export", export("a.json", "--what", kind, *privacy).decode())["rows"]
        assert rows or not by_hand  # no event happened in the derived ones
        for line in export("a.ndjson", "--what", kind, *privacy).splitlines():
            check(f"{kind}_line", line.decode())
    with zipfile.ZipFile(io.BytesIO(export("a.zip", *privacy))) as bundle:
        check("manifest", bundle.read("manifest.json").decode())
        replies = [name for name in bundle.namelist() if name.startswith("replies/")]
        assert replies
        for name in replies:
            for line in bundle.read(name).splitlines():
                check("replies_line", line.decode())
    printed = ran(lambda _: main(["--history", "--json", "--since", "2026-04-01", *privacy]))
    assert check("history", printed.removesuffix("exit 0"))["orgs"]
