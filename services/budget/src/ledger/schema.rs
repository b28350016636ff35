//! The ledger's tables.

/// One step for each version of the file.
pub(crate) const MIGRATIONS: &[&str] = &[r"
-- Money set aside for calls that run now.
CREATE TABLE reservations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    day        INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

-- What was spent, newest last; pruned to a bound.
CREATE TABLE entries (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    time          INTEGER NOT NULL,
    day           INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    model         TEXT,
    workflow      TEXT UNIQUE,
    amount        INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL
);

-- The same added up by day, for the whole and for each provider and cohort.
CREATE TABLE totals (
    day           INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    spent         INTEGER NOT NULL,
    count         INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    PRIMARY KEY (day, kind, name)
) WITHOUT ROWID;

-- Everything a cohort ever spent.
CREATE TABLE cohorts (
    name      TEXT PRIMARY KEY,
    spent     INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    last_time INTEGER NOT NULL
) WITHOUT ROWID;

-- What an operator has changed at run time.
CREATE TABLE policy (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    version         INTEGER NOT NULL,
    max_concurrency INTEGER,
    criticality     TEXT
);
"];
