-- Services whose document was ever read, and when it was read last.
CREATE TABLE documents (
    service TEXT PRIMARY KEY,
    read TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE capabilities (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    summary TEXT,
    callable INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    first_seen TEXT NOT NULL,
    gone_since TEXT,
    active_since TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX capabilities_service ON capabilities (service);

-- A capability that is forgotten takes its probes along; its history stays.
CREATE TABLE probes (
    id TEXT PRIMARY KEY REFERENCES capabilities ON DELETE CASCADE,
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    last_latency REAL,
    last_status INTEGER,
    last_error TEXT,
    last_time TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    capability TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
