CREATE TABLE coach (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    running_since BIGINT,
    fast_until BIGINT,
    fast_interval BIGINT,
    interval_seconds BIGINT NOT NULL,
    rounds_per_session BIGINT NOT NULL,
    focus BIGINT NOT NULL,
    hints_wanted BOOLEAN NOT NULL,
    seed BIGINT NOT NULL,
    sessions BIGINT NOT NULL,
    rounds BIGINT NOT NULL,
    correct BIGINT NOT NULL,
    boosts BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    hints BIGINT NOT NULL,
    hint_failures BIGINT NOT NULL
);

CREATE TABLE actions (
    id BIGINT PRIMARY KEY,
    time BIGINT NOT NULL,
    kind TEXT NOT NULL,
    topic TEXT,
    correct BOOLEAN,
    chance DOUBLE PRECISION,
    mastery_before DOUBLE PRECISION,
    mastery DOUBLE PRECISION,
    hint TEXT,
    error TEXT
);
