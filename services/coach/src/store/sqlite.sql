CREATE TABLE coach (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    running_since INTEGER,
    fast_until INTEGER,
    fast_interval INTEGER,
    interval_seconds INTEGER NOT NULL,
    rounds_per_session INTEGER NOT NULL,
    focus INTEGER NOT NULL,
    hints_wanted INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    rounds INTEGER NOT NULL,
    correct INTEGER NOT NULL,
    boosts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    hints INTEGER NOT NULL,
    hint_failures INTEGER NOT NULL
) STRICT;

CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    topic TEXT,
    correct INTEGER,
    chance REAL,
    mastery_before REAL,
    mastery REAL,
    hint TEXT,
    error TEXT
) STRICT;
