-- Version 13. Who is told when tasks have ended, and what they are told: written with the change itself, kept until it is delivered or
-- given up and then for a while. Secrets are kept as they are, since the server signs with them. Moments are Unix milliseconds.

CREATE TABLE webhooks (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB    NOT NULL UNIQUE,
    caller        BLOB,
    url           TEXT    NOT NULL,
    secret        BLOB    NOT NULL,
    former_secret BLOB,
    former_until  INTEGER,
    created_at    INTEGER NOT NULL,
    CHECK ((former_secret IS NULL) = (former_until IS NULL))
) STRICT;
CREATE INDEX webhooks_by_caller ON webhooks (caller, seq);

ALTER TABLE tasks ADD COLUMN webhook BLOB; -- may be gone

CREATE TABLE deliveries (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB    NOT NULL UNIQUE,
    webhook     BLOB    NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    task        BLOB    NOT NULL, -- may be gone
    occasion    TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts    INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    began_at    INTEGER NOT NULL,
    next_at     INTEGER,
    ended_at    INTEGER,
    last_at     INTEGER,
    last_status INTEGER,
    last_error  TEXT,
    CHECK ((state = 'waiting') = (next_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CHECK ((last_at IS NULL) = (last_status IS NULL AND last_error IS NULL))
) STRICT;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, seq);
-- Whether any is due, and which of an endpoint are: the same cost at any length of the outbox.
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_due_by_webhook ON deliveries (webhook, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;
