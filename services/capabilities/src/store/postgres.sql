-- Services whose document was ever read, and when it was read last.
CREATE TABLE documents (
    service TEXT PRIMARY KEY,
    read TEXT NOT NULL
);

CREATE TABLE capabilities (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    summary TEXT,
    callable BOOLEAN NOT NULL,
    counted BOOLEAN NOT NULL,
    first_seen TEXT NOT NULL,
    gone_since TEXT,
    active_since TEXT
);
CREATE INDEX capabilities_service ON capabilities (service);

-- A capability that is forgotten takes its probes along; its history stays.
CREATE TABLE probes (
    id TEXT PRIMARY KEY REFERENCES capabilities ON DELETE CASCADE,
    successes BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    last_latency DOUBLE PRECISION,
    last_status BIGINT,
    last_error TEXT,
    last_time TEXT NOT NULL
);

CREATE TABLE history (
    seq BIGINT PRIMARY KEY,
    time TEXT NOT NULL,
    capability TEXT NOT NULL,
    event TEXT NOT NULL
);
