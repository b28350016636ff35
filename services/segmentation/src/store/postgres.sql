-- One row, as soon as a setting was changed.
CREATE TABLE settings (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    tuning TEXT NOT NULL
);

CREATE TABLE analyses (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    count BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    last TEXT
);
INSERT INTO analyses VALUES (1, 0, 0, 0, NULL);

-- The newest is always kept, so the highest id counts the clusterings ever made.
CREATE TABLE clusterings (
    id BIGINT PRIMARY KEY,
    run TEXT NOT NULL
);

CREATE TABLE cohorts (
    clustering BIGINT NOT NULL REFERENCES clusterings ON DELETE CASCADE,
    position BIGINT NOT NULL,
    cohort TEXT NOT NULL,
    PRIMARY KEY (clustering, position)
);

CREATE TABLE members (
    clustering BIGINT NOT NULL REFERENCES clusterings ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (clustering, user_id)
);
