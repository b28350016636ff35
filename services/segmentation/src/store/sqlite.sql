-- One row, as soon as a setting was changed.
CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    tuning TEXT NOT NULL
) STRICT;

CREATE TABLE analyses (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    last TEXT
) STRICT;
INSERT INTO analyses VALUES (1, 0, 0, 0, NULL);

-- Ids are never used twice, so the highest one counts the clusterings ever made.
CREATE TABLE clusterings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL
) STRICT;

CREATE TABLE cohorts (
    clustering INTEGER NOT NULL REFERENCES clusterings ON DELETE CASCADE,
    position INTEGER NOT NULL,
    cohort TEXT NOT NULL,
    PRIMARY KEY (clustering, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    clustering INTEGER NOT NULL REFERENCES clusterings ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (clustering, user_id)
) STRICT, WITHOUT ROWID;
