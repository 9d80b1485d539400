"""The tables of the archive, as numbered migrations.

Two kinds of tables: *facts* are what the server answered, or that it did not answer; *derived* tables follow
from the facts and can be built again from them.

Times are integers: milliseconds since 1970 in UTC. Amounts are minor units with their currency. Names that
repeat in every row (endpoints, figures, kinds) are stored once, in `names`.
"""

from __future__ import annotations

APPLICATION_ID = 0x436D7472
"""`PRAGMA application_id` of the file: "Cmtr"."""

ACCOUNT_ROW = 0
"""`org_id` of a reply or a failure about the account itself."""
UNKNOWN_ACCOUNT = 0
"""`account_id` of a failure that happened before the server named the account."""

DERIVED_VERSION = 5
"""Version of the rules by which the derived tables are written. Increase it if they change: the recorder then
builds the derived rows of each org again."""
DERIVED_TABLES = ("runs", "open_runs", "quarters", "undated_rises", "ended_cycles", "open_cycles", "events")
"""Tables that are built from the facts."""

_FACTS = """
-- Times at which the user removed history: what was read before must not be written any more.
CREATE TABLE removals (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);

CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- Bodies of one endpoint resemble each other, so each is compressed with earlier ones as a dictionary.
CREATE TABLE dictionaries (
    id INTEGER PRIMARY KEY,
    endpoint_id INTEGER NOT NULL REFERENCES names,
    created_at INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX dictionaries_by_endpoint ON dictionaries (endpoint_id);

-- `key` is the uuid, else the e-mail. The origin keeps servers apart that list the same accounts.
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    key TEXT NOT NULL,
    email TEXT,
    UNIQUE (origin, key)
);

-- `derived_version` is the `DERIVED_VERSION` of the org's derived rows; 0 if some of them are missing.
CREATE TABLE orgs (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    plan_name TEXT NOT NULL,
    is_shared INTEGER NOT NULL,
    derived_version INTEGER NOT NULL,
    UNIQUE (account_id, uuid)
);

-- `watcher` is the process that last asked the server for the session's account; empty if none did.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    browser TEXT NOT NULL,
    profile TEXT NOT NULL,
    account_id INTEGER,
    watcher TEXT NOT NULL DEFAULT '',
    UNIQUE (origin, browser, profile)
);

-- The right of one process to poll an account; `history/lease.py` describes the columns. The last five are
-- the holder's last poll and its schedule.
CREATE TABLE leases (
    account_id INTEGER PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    holder TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,
    renewed_at INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    is_hidden INTEGER NOT NULL,
    polled_at INTEGER,
    next_at INTEGER,
    interval INTEGER,
    is_backing_off INTEGER,
    free_at INTEGER
);

-- Every reply as the server sent it. An equal reply to the next request only moves `confirmed_at`.
-- The delays are the milliseconds from its arrival to the end of the org's reading.
CREATE TABLE replies (
    account_id INTEGER NOT NULL,
    org_id INTEGER NOT NULL,
    endpoint_id INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    first_delay INTEGER NOT NULL,
    confirmed_delay INTEGER NOT NULL,
    count INTEGER NOT NULL,
    session_id INTEGER NOT NULL,
    status INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    dictionary_id INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (account_id, org_id, endpoint_id, first_at)
) WITHOUT ROWID;

-- Times of the readings of each org, so that a reply that was confirmed often is known to be in each of them.
-- `interval` is the usual time between two of them then, in milliseconds.
CREATE TABLE readings (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    at INTEGER NOT NULL,
    interval INTEGER NOT NULL,
    PRIMARY KEY (org_id, at)
) WITHOUT ROWID;

-- Requests without a usable reply. Equal failures in a row are one row.
CREATE TABLE failures (
    account_id INTEGER NOT NULL,
    org_id INTEGER NOT NULL,
    endpoint_id INTEGER NOT NULL,
    session_id INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    first_delay INTEGER NOT NULL,
    last_delay INTEGER NOT NULL,
    count INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (account_id, org_id, endpoint_id, session_id, first_at)
) WITHOUT ROWID;

-- The latest state of each org, with which the next run starts.
CREATE TABLE org_states (
    org_id INTEGER PRIMARY KEY REFERENCES orgs ON DELETE CASCADE,
    at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    version TEXT NOT NULL,
    state BLOB NOT NULL
);

-- What `--line` and `--check` print, by a hash of the settings that decide what is read. `content` is JSON:
-- the texts of every org. `network` is empty if the last poll reached the server.
CREATE TABLE statuses (
    key TEXT PRIMARY KEY,
    polled_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    error_kind TEXT,
    network TEXT NOT NULL,
    zone TEXT NOT NULL,
    version TEXT NOT NULL,
    content TEXT NOT NULL
);

-- What a run of `--line` or `--check` asks for (JSON), by a hash of its arguments and its environment.
CREATE TABLE status_requests (
    digest TEXT PRIMARY KEY,
    resolved_at INTEGER NOT NULL,
    request TEXT NOT NULL
) WITHOUT ROWID;
"""

_DERIVED = """
-- Spans in which a figure had one value. `confirmed_at` is the last reading with it; a later start of the
-- next run is a gap. `unit` is "%", a currency with its exponent such as "USD:2", or empty for words.
CREATE TABLE runs (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    figure_id INTEGER NOT NULL REFERENCES names,
    first_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    value NOT NULL,
    unit TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (org_id, figure_id, first_at)
) WITHOUT ROWID;

-- The run of each figure that continues. Each poll writes them, so they are few pages of their own.
CREATE TABLE open_runs (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    figure_id INTEGER NOT NULL REFERENCES names,
    first_at INTEGER NOT NULL,
    confirmed_at INTEGER NOT NULL,
    value NOT NULL,
    unit TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (org_id, figure_id)
) WITHOUT ROWID;

CREATE VIEW all_runs AS SELECT * FROM runs UNION ALL SELECT * FROM open_runs;

-- Rises of a figure per quarter of an hour, which every time zone can add up to its own hours. A rise over a
-- pause is in the quarter in which it was seen; that of the used credits is in `undated_rises` if the pause
-- is in more than one quarter.
CREATE TABLE quarters (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    figure_id INTEGER NOT NULL REFERENCES names,
    start_at INTEGER NOT NULL,
    unit TEXT NOT NULL,
    rise NOT NULL,
    PRIMARY KEY (org_id, figure_id, start_at, unit)
) WITHOUT ROWID;

-- Each 5-hour window, week and billing month. `end_source` names where the end is from: "observed" for a
-- reset that was seen, "reported" for a date that the server named, "calendar" for the first of a month,
-- "unknown" for none of these. `is_full` is the state at `last_at`. `spent` is in `spent_unit`; rises in
-- another currency are in `quarters` only.
CREATE TABLE ended_cycles (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    figure_id INTEGER NOT NULL REFERENCES names,
    start_at INTEGER NOT NULL,
    start_source TEXT NOT NULL,
    end_at INTEGER,
    end_source TEXT NOT NULL,
    peak NOT NULL,
    unit TEXT NOT NULL,
    peak_at INTEGER NOT NULL,
    full_at INTEGER,
    full_ms INTEGER NOT NULL,
    spent TEXT NOT NULL,
    spent_unit TEXT NOT NULL,
    last_at INTEGER NOT NULL,
    is_full INTEGER NOT NULL,
    PRIMARY KEY (org_id, figure_id, start_at)
) WITHOUT ROWID;

-- The last cycle of each figure, which may be over. Each poll writes it.
CREATE TABLE open_cycles (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    figure_id INTEGER NOT NULL REFERENCES names,
    start_at INTEGER NOT NULL,
    start_source TEXT NOT NULL,
    end_at INTEGER,
    end_source TEXT NOT NULL,
    peak NOT NULL,
    unit TEXT NOT NULL,
    peak_at INTEGER NOT NULL,
    full_at INTEGER,
    full_ms INTEGER NOT NULL,
    spent TEXT NOT NULL,
    spent_unit TEXT NOT NULL,
    last_at INTEGER NOT NULL,
    is_full INTEGER NOT NULL,
    PRIMARY KEY (org_id, figure_id)
) WITHOUT ROWID;

CREATE VIEW cycles AS SELECT * FROM ended_cycles UNION ALL SELECT * FROM open_cycles;

-- `org_id` is null if the event concerns a whole session of the server `origin_id`; `event` is JSON.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    origin_id INTEGER NOT NULL REFERENCES names,
    org_id INTEGER REFERENCES orgs ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind_id INTEGER NOT NULL REFERENCES names,
    version TEXT NOT NULL,
    event TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at);
"""

_UNDATED = """
-- Credits that were spent while nothing was read: after `since_at`, and at `seen_at` at the latest.
CREATE TABLE undated_rises (
    org_id INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
    figure_id INTEGER NOT NULL REFERENCES names,
    seen_at INTEGER NOT NULL,
    since_at INTEGER NOT NULL,
    unit TEXT NOT NULL,
    rise NOT NULL,
    PRIMARY KEY (org_id, figure_id, seen_at, unit)
) WITHOUT ROWID;
"""

_TRANSCRIPTS = """
-- Claude Code's transcripts on this machine; `transcripts/` reads them. No prompt is ever kept.
-- The login of each config folder, from its first to its last observation.
CREATE TABLE logins (
    id INTEGER PRIMARY KEY,
    config_folder TEXT NOT NULL,
    org TEXT NOT NULL,
    account TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
);

-- Projects by the folder in which Claude Code was started.
CREATE TABLE projects (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);

-- How far each file was read, by the hash of its path: the paths themselves would outlive a removed org. The
-- columns are those of `TranscriptPosition`; `project_id` is 0 if nothing of the project is kept.
CREATE TABLE transcript_files (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    offset INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    last_key INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    rebuilt INTEGER NOT NULL,
    skipped INTEGER NOT NULL
);

-- Each call once, by the hash of its message and request. `login_id` is 0 if the login is not known.
CREATE TABLE calls (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    login_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    variant_id INTEGER NOT NULL,
    is_sidechain INTEGER NOT NULL,
    cache_miss_id INTEGER NOT NULL,
    rebuilt INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    write_5m INTEGER NOT NULL,
    write_1h INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    web_searches INTEGER NOT NULL
);
CREATE INDEX calls_by_time ON calls (at);

-- Sums of calls that are no longer kept, by hour in UTC.
CREATE TABLE call_hours (
    start_at INTEGER NOT NULL,
    login_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    variant_id INTEGER NOT NULL,
    is_sidechain INTEGER NOT NULL,
    count INTEGER NOT NULL,
    rebuilt INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    write_5m INTEGER NOT NULL,
    write_1h INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    web_searches INTEGER NOT NULL,
    PRIMARY KEY (start_at, login_id, project_id, model_id, variant_id, is_sidechain)
) WITHOUT ROWID;

-- Requests that the server refused; the columns are those of `Refusal`.
CREATE TABLE refusals (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    login_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    limit_name TEXT NOT NULL,
    resets_at INTEGER,
    credits_status TEXT NOT NULL,
    credits_reason TEXT NOT NULL,
    credits_until INTEGER,
    used_credits INTEGER NOT NULL,
    offers_low_priority INTEGER NOT NULL
);
CREATE INDEX refusals_by_time ON refusals (at);

-- One row. Calls before `counted_until` are in `call_hours` or were removed, so copies of them are ignored.
-- Those before `known_until`, when an org was removed, count only if their login is known to be another one.
-- `changes` is increased by each writer.
CREATE TABLE transcript_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    counted_until INTEGER NOT NULL,
    known_until INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    changes INTEGER NOT NULL
);
"""

_HOSTS = """
-- Sessions that are read through the browser extension; the columns are those of `HostRecord`. `pid` is 0
-- after the host has ended.
CREATE TABLE extension_hosts (
    origin TEXT NOT NULL,
    browser TEXT NOT NULL,
    profile TEXT NOT NULL,
    account_id INTEGER REFERENCES accounts ON DELETE SET NULL,
    host_version TEXT NOT NULL,
    extension_version TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    replied_at INTEGER,
    error TEXT NOT NULL,
    PRIMARY KEY (origin, browser, profile)
) WITHOUT ROWID;
"""

_REWRITTEN = """
-- A file without them is read again once.
ALTER TABLE transcript_files ADD COLUMN changed_at REAL NOT NULL DEFAULT 0;
ALTER TABLE transcript_files ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS: tuple[str, ...] = (_FACTS + _DERIVED, _UNDATED, _TRANSCRIPTS, _HOSTS, _REWRITTEN)
"""Script of each version: the first creates version 1. `PRAGMA user_version` is the version of a file."""
VERSION = len(MIGRATIONS)
