"""Transcripts as Claude Code writes them, with the totals that a reader must find in them.

The same arguments write the same files. Most lines have 1 to 5 KB, one in a hundred has 100 KB or more, and
nine of ten have no tokens. A call is on one line for each of its content blocks, and resumed sessions and
subagents repeat lines of another file.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.transcripts import SYNTHETIC_MODEL, TokenCounts

FIRST = datetime(2026, 4, 13, 7, tzinfo=UTC)
"""Time from which sessions start, if no other is given."""
PROJECTS = ("/home/pat/shop", "/home/pat/blog", "/home/pat/Über uns", "/srv/api")
PLANTED = "plantedpromptword"
"""Word in every prompt, reply and tool result. No reader may keep it."""
MODELS = ("claude-opus-5", "claude-opus-5-5", "claude-fable-5-2", "claude-haiku-4-5-20251001")
OLD_MODELS = ("claude-sonnet-4-20250514", "claude-opus-4-1-20250805", "claude-3-5-haiku-20241022")
LIMITS = ("five_hour", "seven_day", "seven_day_opus", "overage", "limit_of_tomorrow")
OTHER_LINES = 9
"""Number of lines without tokens for each line with tokens."""
FULL_CONTEXT = 150_000
"""Tokens at which a conversation is compacted."""

_Line = dict[str, Any]
_USAGE_EXTRAS: tuple[_Line, ...] = (
    {},
    {"inference_geo": None, "service_tier": None},
    {"server_tool_use": None},
    {"server_tool_use": {"web_search_requests": 0}, "speed": "standard", "iterations": []},
)
_Key = TypeVar("_Key")


class Oddity(StrEnum):
    """A property of a call that not every reader understands."""

    NULL_ID = '"id": null elsewhere in the line'
    NULL_VERSION = "null as the version"
    NULL_SESSION = "null as the session"
    NULL_MODEL = "null as the model"
    NULL_COUNT = "null as a count"
    NO_REQUEST = "no id of the request, as from Amazon Bedrock"
    BLANKS = "blanks between the parts of JSON"
    LONG_CONTEXT = "[1m] behind the model"
    WEB_SEARCH = "web searches"
    FAST = "fast mode"


class TrueCall(NamedTuple):
    """A call as a reader must count it, once."""

    at: datetime
    project: str
    model: str
    """Name without `[1m]`."""
    variant: str
    """`fast` in fast mode, otherwise empty."""
    counts: TokenCounts
    is_sidechain: bool
    rebuilt: int
    """Tokens written to the cache again."""
    oddity: Oddity | None


class Unfinished(NamedTuple):
    """The last line of a transcript that is still being written."""

    rest: bytes
    """Bytes that complete it."""
    message: str
    """Id of its message."""
    call: TrueCall


@dataclass
class Transcripts:
    """The written files, and the truth about them."""

    config_folder: Path
    files: list[Path] = field(default_factory=list)
    size: int = 0
    """Bytes of all files."""
    calls: dict[str, TrueCall] = field(default_factory=dict)
    """Every call by the id of its message."""
    refusals: list[Refusal] = field(default_factory=list)
    """Every refusal once, by time, each with a key of 0."""
    unfinished: dict[Path, Unfinished] = field(default_factory=dict)

    def finish(self) -> None:
        """Complete the last lines: their calls become part of the truth."""
        for path, last in self.unfinished.items():
            with path.open("ab") as file:
                file.write(last.rest)
            self.size += len(last.rest)
            self.calls[last.message] = last.call
        self.unfinished = {}


def sum_by_day(calls: Iterable[TrueCall], zone: tzinfo = UTC) -> dict[tuple[str, str], TokenCounts]:
    """Return the counts by local day, such as `2026-04-25`, and model, in fast mode `MODEL-fast`."""
    return _sum(
        ((name_day(call.at, zone), name_model(call.model, call.variant)), call.counts) for call in calls
    )


def sum_by_project(calls: Iterable[TrueCall]) -> dict[str, TokenCounts]:
    """Return the counts by project."""
    return _sum((call.project, call.counts) for call in calls)


def name_day(at: datetime, zone: tzinfo) -> str:
    """Return the local day, such as `2026-04-25`."""
    return at.astimezone(zone).date().isoformat()


def name_model(model: str, variant: str) -> str:
    """Return the name with which fast mode is a model of its own."""
    return f"{model}-fast" if "fast" in variant.split() else model


def _sum(parts: Iterable[tuple[_Key, TokenCounts]]) -> dict[_Key, TokenCounts]:
    sums: dict[_Key, TokenCounts] = {}
    for key, counts in parts:
        sums[key] = TokenCounts(*map(sum, zip(sums.get(key, TokenCounts()), counts, strict=True)))
    return sums


def write_transcripts(
    config_folder: Path,
    *,
    files: int = 24,
    size: int = 3 << 20,
    seed: int = 0,
    first: datetime = FIRST,
    days: int = 7,
    oddities: Collection[Oddity] = tuple(Oddity),
) -> Transcripts:
    """Write transcripts below the `projects` of a config folder.

    Args:
        config_folder: made if it does not exist.
        files: number of files.
        size: bytes of all files, about.
        seed: number of the variant.
        first: time from which sessions start.
        days: number of days in which they start.
        oddities: those that some calls have.
    """
    writer = _Writer(Transcripts(config_folder), random.Random(seed), tuple(oddities))  # noqa: S311
    writer.write(files, size, first, timedelta(days=days))
    return writer.written


@dataclass
class Conversation:
    """The lines of one transcript, and the state that the next line continues."""

    project: str
    session: str
    at: datetime
    """Time of the last line."""
    version: str = "2.1.263"
    is_sidechain: bool = False
    lines: list[bytes] = field(default_factory=list)
    cached: int = 0
    """Tokens in the cache."""
    folder: str = ""
    """Folder into which Claude Code went; empty for the project's."""
    last: str | None = None
    """`uuid` of the last line."""

    @property
    def is_old(self) -> bool:
        """True if its lines are those of a version before 2.1.97."""
        return self.version.startswith("2.0.")

    @property
    def size(self) -> int:
        """Bytes of all lines."""
        return sum(map(len, self.lines))

    def copy_lines(self, other: Conversation, limit: int) -> None:
        """Repeat lines of another conversation under this session, as a resumed session does."""
        for line in other.lines:
            if limit <= 0:
                return
            copied = line.replace(other.session.encode(), self.session.encode())
            self.lines.append(copied)
            limit -= len(copied)

    def build_root(self, kind: str, uuid: str) -> _Line:
        """Return the fields that every line has."""
        root = {
            "parentUuid": self.last,
            "isSidechain": self.is_sidechain,
            "userType": "external",
            "cwd": self.folder or self.project,
            "sessionId": self.session,
            "version": self.version,
            "gitBranch": "main",
            "type": kind,
            "uuid": uuid,
            "timestamp": format_time(self.at),
        }
        self.last = uuid
        return root


def format_time(at: datetime) -> str:
    """Return the time as it is written into a line."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_line(line: _Line, *, has_blanks: bool = False) -> bytes:
    """Return the line as Claude Code writes it: with all characters as they are, and usually no blanks."""
    content = msgspec.json.encode(line)
    return (content.replace(b'":', b'": ') if has_blanks else content) + b"\n"


def build_usage(counts: TokenCounts) -> _Line:
    """Return the `usage` of a message."""
    return {
        "input_tokens": counts.input,
        "cache_creation_input_tokens": counts.written,
        "cache_read_input_tokens": counts.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.write_5m,
            "ephemeral_1h_input_tokens": counts.write_1h,
        },
        "output_tokens": counts.output,
        "service_tier": "standard",
    }


def build_quota_limits(
    limit: str, at: datetime, *, resets_at: datetime | None = None, **others: object
) -> _Line:
    """Return the `quotaLimits` of a refusal; `others` are further keys."""
    return {
        "status": "rejected",
        "resetsAt": int((resets_at or at + timedelta(hours=2)).timestamp()),
        "unifiedRateLimitFallbackAvailable": False,
        "rateLimitType": limit,
        "isUsingOverage": False,
    } | others


class _Writer:
    """Writes files and keeps the truth about them."""

    def __init__(self, written: Transcripts, chance: random.Random, oddities: tuple[Oddity, ...]) -> None:
        self.written, self._chance, self._oddities = written, chance, oddities
        self._text = _build_text(chance)
        self._debt = 0.0
        """Number of lines without tokens that are still missing."""

    def write(self, files: int, size: int, first: datetime, span: timedelta) -> None:
        chance, written = self._chance, self.written
        last: Conversation | None = None
        while len(written.files) < files:
            missing = files - len(written.files)
            share = chance.uniform(0.3, 1.7) if missing > 1 else 1.0
            budget = max(1, round((size - written.size) / missing * share))
            kind = chance.random() if last is not None else 1.0
            if last is not None and kind < 0.2:
                self._finish_file(self._talk_as_subagent(last, budget))
            elif last is not None and kind < 0.3:
                last = self._resume(last, budget)
                self._finish_file(last)
            else:
                at = first + span * chance.random()
                old = chance.random() < 0.15
                project = chance.choice(PROJECTS)
                last = Conversation(project, self._make_uuid(), at, "2.0.31" if old else "2.1.263")
                self._talk(last, budget)
                self._finish_file(last)
        written.refusals.sort(key=lambda one: one.at)

    def _finish_file(self, talk: Conversation) -> None:
        project = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in talk.project)
        folder = self.written.config_folder / "projects" / project
        if talk.is_sidechain:
            folder = folder / talk.session / "subagents"
        name = f"agent-{self._make_hex(8)}" if talk.is_sidechain else talk.session
        path = folder / f"{name}.jsonl"
        content = b"".join(talk.lines)
        if not talk.is_sidechain and self._chance.random() < 0.2:
            content += self._start_line(path, talk)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.written.files.append(path)
        self.written.size += len(content)

    def _start_line(self, path: Path, talk: Conversation) -> bytes:
        """Return the first half of the line of another call."""
        cached = talk.cached
        message = self._add_call(talk, blocks=1)
        call, line = self.written.calls.pop(message), talk.lines.pop()
        talk.cached = cached
        half = len(line) // 2
        self.written.unfinished[path] = Unfinished(line[half:], message, call)
        return line[:half]

    def _talk(self, talk: Conversation, budget: int) -> None:
        """Add prompts, calls and everything between them until the budget of bytes is used up."""
        used = talk.size
        while used < budget:
            before = len(talk.lines)
            self._add_step(talk)
            used += sum(map(len, talk.lines[before:]))

    def _add_step(self, talk: Conversation) -> None:
        chance = self._chance.random()
        if chance < 0.1:
            self._add_prompt(talk)
        elif chance < 0.11:
            self._add_refusal(talk)
        elif chance < 0.115:
            self._add_error(talk)
        elif chance < 0.125 and not talk.is_sidechain:
            # A file's project is its first folder.
            talk.folder = f"{talk.project}/docs" if talk.cached and not talk.folder else ""
        elif self._debt >= 1:
            self._debt -= 1
            self._add_other(talk)
        else:
            self._add_call(talk)

    def _resume(self, last: Conversation, budget: int) -> Conversation:
        """Return a new session that repeats the last one, and continues it if it repeats all of it."""
        talk = Conversation(last.project, self._make_uuid(), last.at, last.version, cached=last.cached)
        talk.copy_lines(last, budget)
        if len(talk.lines) == len(last.lines):
            self._talk(talk, budget)
        return talk

    def _talk_as_subagent(self, main: Conversation, budget: int) -> Conversation:
        """Return a conversation of a subagent that ends with a copy of a call of the main chain."""
        talk = Conversation(main.project, main.session, main.at, main.version, is_sidechain=True)
        self._talk(talk, budget)
        if copied := self._copy_call(main):
            talk.lines.append(copied)
        return talk

    def _copy_call(self, main: Conversation) -> bytes | None:
        """Return a call's line as a sidechain repeats it, with more tokens than it had; None without one."""
        for line in reversed(main.lines):
            found = msgspec.json.decode(line)
            message = found.get("message")
            if found["type"] != "assistant" or message.get("id") not in self.written.calls:
                continue
            found["isSidechain"] = True
            found["uuid"] = self._make_uuid()
            message["usage"]["output_tokens"] = 90_000
            oddity = self.written.calls[message["id"]].oddity
            return encode_line(found, has_blanks=oddity is Oddity.BLANKS)
        return None

    def _add_prompt(self, talk: Conversation) -> None:
        talk.at += timedelta(seconds=self._chance.uniform(5, 600))
        line = talk.build_root("user", self._make_uuid())
        line["message"] = {"role": "user", "content": self._take_text(self._pick_size() // 2)}
        talk.lines.append(encode_line(line))

    def _add_other(self, talk: Conversation) -> None:
        """Add a line without tokens."""
        talk.at += timedelta(seconds=self._chance.uniform(0.01, 3))
        text = self._take_text(self._pick_size())
        kind = self._chance.random()
        line = talk.build_root("user", self._make_uuid())
        if kind < 0.6:
            half = len(text) // 2
            tool = f"toolu_{self._make_hex(12)}"
            content = [{"tool_use_id": tool, "type": "tool_result", "content": text[:half], "is_error": None}]
            line["message"] = {"role": "user", "content": content}
            line["toolUseResult"] = {"stdout": text[half:], "stderr": "", "interrupted": False}
            if kind < 0.01:
                # A subagent's result names its tokens again, which its own transcript has.
                line["toolUseResult"] |= {"agentId": "a1", "usage": build_usage(TokenCounts(5, 7))}
        elif kind < 0.8:
            line |= {"type": "progress", "data": {"type": "bash_progress", "output": text, "id": None}}
        elif kind < 0.9:
            line |= {"type": "attachment", "attachment": {"type": "file", "content": text}}
        elif kind < 0.95:
            line |= {"type": "system", "subtype": "informational", "content": text, "level": "info"}
        else:
            files = {"trackedFileBackups": {}, "preview": text}
            line = {"type": "file-history-snapshot", "messageId": self._make_uuid(), "snapshot": files}
        talk.lines.append(encode_line(line))

    def _add_call(self, talk: Conversation, blocks: int = 0) -> str:
        """Add the lines of one call and the truth about it; return the id of its message.

        Args:
            talk: the conversation.
            blocks: number of lines; 0 for any.
        """
        chance = self._chance
        talk.at += timedelta(seconds=chance.uniform(2, 90))
        message, request = f"msg_01{self._make_hex(11)}", f"req_011{self._make_hex(10)}"
        model = chance.choice(OLD_MODELS if talk.is_old else MODELS)
        oddity = chance.choice(self._oddities) if self._oddities and chance.random() < 0.3 else None
        counts, rebuilt = self._count_tokens(talk, oddity)
        blocks = blocks or chance.choice((1, 1, 2, 3))
        for number in range(blocks):
            # Before 2.1.97 only the last line of a call had all of its output.
            is_placeholder = talk.is_old and number < blocks - 1
            shown = counts._replace(output=1 + number) if is_placeholder else counts
            line = self._build_call_line(talk, model, (message, request), shown, oddity)
            talk.lines.append(encode_line(line, has_blanks=oddity is Oddity.BLANKS))
            if not is_placeholder and message not in self.written.calls:
                self.written.calls[message] = TrueCall(
                    datetime.fromisoformat(line["timestamp"]),
                    talk.project,
                    "" if oddity is Oddity.NULL_MODEL else model,
                    "fast" if oddity is Oddity.FAST else "",
                    counts,
                    talk.is_sidechain,
                    rebuilt,
                    oddity,
                )
            talk.at += timedelta(milliseconds=chance.randrange(10, 3000))
        talk.cached = counts.written + counts.cache_read
        self._debt += blocks * OTHER_LINES
        return message

    def _count_tokens(self, talk: Conversation, oddity: Oddity | None) -> tuple[TokenCounts, int]:
        """Return the counts of the next call of a conversation, and the tokens that it writes again."""
        chance = self._chance
        more = chance.randrange(200, 6000)
        read = talk.cached
        rebuilt = 0
        if not read or read > FULL_CONTEXT:
            # A new or a compacted conversation has nothing in the cache but the system's prompt.
            read, more = 0, chance.randrange(8_000, 14_000)
        elif chance.random() < 0.2:
            talk.at += timedelta(hours=1, minutes=10)
            read = chance.choice((0, read // 2))
            rebuilt = talk.cached - read
        written = more + rebuilt
        is_long = not talk.is_old and chance.random() < 0.7
        counts = TokenCounts(
            chance.randrange(1, 12),
            chance.randrange(20, 4000),
            0 if is_long else written,
            written if is_long else 0,
            read,
            chance.randrange(1, 4) if oddity is Oddity.WEB_SEARCH else 0,
        )
        return (counts._replace(input=0) if oddity is Oddity.NULL_COUNT else counts), rebuilt

    def _build_call_line(
        self,
        talk: Conversation,
        model: str,
        ids: tuple[str, str],
        counts: TokenCounts,
        oddity: Oddity | None,
    ) -> _Line:
        message, request = ids
        text = self._take_text(self._pick_size() // 2)
        content: _Line = {"type": "text", "text": text}
        if self._chance.random() < 0.5:
            tool = f"toolu_{self._make_hex(12)}"
            content = {"type": "tool_use", "id": tool, "name": "Bash", "input": {"command": text}}
        usage = build_usage(counts)
        usage |= self._chance.choice(_USAGE_EXTRAS)
        line = talk.build_root("assistant", self._make_uuid())
        line["requestId"] = request
        line["message"] = {
            "model": f"{model}[1m]" if oddity is Oddity.LONG_CONTEXT else model,
            "id": message,
            "type": "message",
            "role": "assistant",
            "content": [content],
            "stop_reason": None,
            "usage": usage,
            "diagnostics": None,
        }
        match oddity:
            case Oddity.NULL_ID:
                content["input"] = {"id": None}
            case Oddity.NO_REQUEST:
                del line["requestId"]
            case Oddity.NULL_VERSION:
                line["version"] = None
            case Oddity.NULL_SESSION:
                line["sessionId"] = None
            case Oddity.NULL_MODEL:
                line["message"]["model"] = None
            case Oddity.NULL_COUNT:
                usage["input_tokens"] = None
            case Oddity.WEB_SEARCH:
                usage["server_tool_use"] = {"web_search_requests": counts.web_searches}
            case Oddity.FAST:
                usage["speed"] = "fast"
        return line

    def _add_refusal(self, talk: Conversation) -> None:
        """Add a refusal, or a line that looks like one and is none."""
        chance = self._chance
        talk.at += timedelta(seconds=chance.uniform(1, 60))
        limit = chance.choice(LIMITS)
        uses_credits = chance.random() < 0.3
        until = (talk.at + timedelta(days=5)).replace(hour=0, minute=0, second=0, microsecond=0)
        limits = build_quota_limits(limit, talk.at, isUsingOverage=uses_credits, upgradePaths=["max"])
        if locked := chance.random() < 0.5:
            limits |= {
                "overageStatus": "rejected",
                "overageResetsAt": int(until.timestamp()),
                "overageDisabledReason": "org_spend_cap_reached",
            }
        if offered := chance.random() < 0.3:
            limits["lowPriorityOffer"] = {"model": None}
        line = self._build_error_line(talk, "rate_limit", 429) | {"quotaLimits": limits}
        if is_transient := chance.random() < 0.2:
            line["apiErrorIsTransient"] = True
        talk.lines.append(encode_line(line))
        if not is_transient:
            self.written.refusals.append(
                Refusal(
                    key=0,
                    at=datetime.fromisoformat(line["timestamp"]),
                    project=talk.project,
                    limit=limit,
                    resets_at=datetime.fromtimestamp(limits["resetsAt"], UTC),
                    credits_status="rejected" if locked else "",
                    credits_reason="org_spend_cap_reached" if locked else "",
                    credits_until=until if locked else None,
                    used_credits=uses_credits,
                    offers_low_priority=offered,
                )
            )

    def _add_error(self, talk: Conversation) -> None:
        talk.at += timedelta(seconds=self._chance.uniform(1, 60))
        talk.lines.append(encode_line(self._build_error_line(talk, "server_error", 529)))

    def _build_error_line(self, talk: Conversation, error: str, status: int) -> _Line:
        text = self._take_text(self._chance.randrange(100, 300))
        return talk.build_root("assistant", self._make_uuid()) | {
            "message": {
                "id": self._make_uuid(),
                "model": SYNTHETIC_MODEL,
                "role": "assistant",
                "stop_reason": "stop_sequence",
                "usage": build_usage(TokenCounts()),
                "content": [{"type": "text", "text": text}],
            },
            "isApiErrorMessage": True,
            "error": error,
            "apiErrorStatus": status,
        }

    def _pick_size(self) -> int:
        chance = self._chance
        kind = chance.random()
        if kind < 0.01:
            return chance.randrange(100_000, 250_000)
        return chance.randrange(1000, 5000) if kind < 0.85 else chance.randrange(50, 1000)

    def _take_text(self, size: int) -> str:
        """Return text of this many characters that begins with the planted word."""
        start = self._chance.randrange(max(1, len(self._text) - size))
        return f"{PLANTED} {self._text[start : start + size]}"

    def _make_hex(self, size: int) -> str:
        return self._chance.randbytes(size).hex()

    def _make_uuid(self) -> str:
        text = self._make_hex(16)
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _build_text(chance: random.Random) -> str:
    """Return about 600,000 characters of prose and code; some of it looks like a line with tokens."""
    prose = "the function returns a value of this type if it is not empty and then the test fails"
    words = (
        *prose.split(),
        *("größer", "引用", "→", "🙂", 'say "yes"', "C:\\temp\\new", "\x1b[31mred\x1b[0m", "<synthetic>"),
        *("def run(self) -> None:\n    ", "for (const key of keys) {\n\t", "}\n\n", "import os\n"),
        *('"usage":{"input_tokens":7}', '"quotaLimits":{"status":"rejected"}', '"id":null'),
    )
    return " ".join(chance.choices(words, k=100_000))
