-- Version 1. Ids and digests are raw bytes, moments are Unix milliseconds, and `lease_until` and `not_before` are
-- microseconds on the clock of the opening that wrote them; the next opening resets both.

CREATE TABLE tasks (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused, so that a page's cursor stays true
    id              BLOB    NOT NULL UNIQUE,
    state           TEXT    NOT NULL CHECK (state IN ('not_started', 'in_progress', 'finished', 'failed', 'cancelled', 'deleting')),
    run             INTEGER NOT NULL,
    variants        TEXT    NOT NULL, -- in their compact form
    input_format    TEXT    NOT NULL,
    original_len    INTEGER NOT NULL,
    original_sha256 BLOB    NOT NULL,
    claim_no        INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    refunds         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    results         TEXT    NOT NULL, -- an object: a result for every variant that is there
    failure_code    TEXT,
    failure_detail  TEXT,
    lease_until     INTEGER,
    not_before      INTEGER,
    CHECK ((state = 'in_progress') = (lease_until IS NOT NULL)),
    CHECK (state = 'not_started' OR not_before IS NULL),
    CHECK (state <> 'finished' OR results <> '{}'),
    CHECK (state <> 'failed' OR failure_code IS NOT NULL)
) STRICT;

CREATE INDEX tasks_by_state ON tasks (state, seq);
-- Claiming reads the head of this one: the same cost at any length of the queue.
CREATE INDEX tasks_runnable ON tasks (seq) WHERE state = 'not_started' AND not_before IS NULL;
CREATE INDEX tasks_delayed ON tasks (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX tasks_leased ON tasks (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE attempts (
    seq           INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    claim_no      INTEGER NOT NULL,
    run           INTEGER NOT NULL,
    worker        TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    outcome       TEXT    CHECK (outcome IN ('finished', 'failed', 'released', 'cancelled')),
    reason_code   TEXT,
    reason_detail TEXT,
    refunded      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (seq, claim_no),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

-- What is waiting or in progress, counted in the same transaction that changes it.
CREATE TABLE backlog (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    tasks    INTEGER NOT NULL CHECK (tasks >= 0),
    bytes    INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;
INSERT INTO backlog VALUES (1, 0, 0);

CREATE TRIGGER backlog_inserted AFTER INSERT ON tasks WHEN NEW.state IN ('not_started', 'in_progress') BEGIN
    UPDATE backlog SET tasks = tasks + 1, bytes = bytes + NEW.original_len;
END;
CREATE TRIGGER backlog_entered AFTER UPDATE OF state ON tasks
WHEN NEW.state IN ('not_started', 'in_progress') AND OLD.state NOT IN ('not_started', 'in_progress') BEGIN
    UPDATE backlog SET tasks = tasks + 1, bytes = bytes + NEW.original_len;
END;
CREATE TRIGGER backlog_left AFTER UPDATE OF state ON tasks
WHEN OLD.state IN ('not_started', 'in_progress') AND NEW.state NOT IN ('not_started', 'in_progress') BEGIN
    UPDATE backlog SET tasks = tasks - 1, bytes = bytes - OLD.original_len;
END;
CREATE TRIGGER backlog_deleted AFTER DELETE ON tasks WHEN OLD.state IN ('not_started', 'in_progress') BEGIN
    UPDATE backlog SET tasks = tasks - 1, bytes = bytes - OLD.original_len;
END;

CREATE TABLE key_values (
    key     TEXT    NOT NULL PRIMARY KEY,
    value   TEXT    NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The version given out last. Apart from the keys, so that a key written again after its removal does not repeat one.
CREATE TABLE key_values_version (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    version  INTEGER NOT NULL
) STRICT;
INSERT INTO key_values_version VALUES (1, 0);
