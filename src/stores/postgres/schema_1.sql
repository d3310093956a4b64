-- Version 1. Digests and keys' ids are raw bytes. Moments that people read are Unix milliseconds by `now()`; `lease_until` and
-- `not_before` are Unix microseconds by `moment()`. A node is a server; what it counts and hands out it writes into rows of its own,
-- so that no two nodes wait for the same row.

-- The clock of leases, backoffs and retention: the database's, the same for all nodes. Nothing else may be asked for it; tests set it.
CREATE FUNCTION moment() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT (extract(epoch FROM now()) * 1000000)::bigint $$;

-- The numbers of tasks and events: the last one that was given out, zero before the first (`order.rs`).
CREATE SEQUENCE task_numbers MINVALUE 0 START 0;
CREATE SEQUENCE event_numbers MINVALUE 0 START 0;
SELECT nextval('task_numbers'), nextval('event_numbers');

-- The name of this database: a shared store of blobs belongs to one.
CREATE TABLE identity (
    only_row boolean PRIMARY KEY CHECK (only_row),
    id       uuid NOT NULL
);
INSERT INTO identity VALUES (true, gen_random_uuid());

CREATE TABLE tasks (
    seq             bigint  NOT NULL PRIMARY KEY DEFAULT nextval('task_numbers'),
    id              uuid    NOT NULL UNIQUE,
    state           text    NOT NULL CHECK (state IN ('not_started', 'in_progress', 'finished', 'failed', 'cancelled', 'deleting')),
    run             bigint  NOT NULL,
    variants        text    NOT NULL, -- in their compact form
    input_format    text    NOT NULL,
    original_len    bigint  NOT NULL,
    original_sha256 bytea   NOT NULL,
    caller          bytea, -- the key that it belongs to
    priority        text    NOT NULL,
    rank            bigint  NOT NULL, -- equal ranks go by seq
    metadata        text, -- JSON, as results and probe are
    expires_in      bigint, -- milliseconds; NULL: kept until it is deleted
    webhook         uuid, -- may be gone
    claim_no        bigint  NOT NULL,
    attempts        bigint  NOT NULL,
    refunds         bigint  NOT NULL,
    node            text, -- which claimed it last
    created_at      bigint  NOT NULL,
    started_at      bigint,
    ended_at        bigint,
    expires_at      bigint,
    results         text    NOT NULL, -- an object: a result for every variant that is there
    probe           text,
    failure_code    text,
    failure_detail  text,
    lease_until     bigint,
    not_before      bigint,
    CHECK ((state = 'in_progress') = (lease_until IS NOT NULL)),
    CHECK (state = 'not_started' OR not_before IS NULL),
    CHECK (state <> 'finished' OR results <> '{}'),
    CHECK (state <> 'failed' OR failure_code IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE INDEX tasks_by_state ON tasks (state, seq);
CREATE INDEX tasks_by_caller ON tasks (caller, seq) WHERE caller IS NOT NULL;
CREATE INDEX tasks_by_caller_and_state ON tasks (caller, state, seq) WHERE caller IS NOT NULL;
CREATE INDEX tasks_by_creation ON tasks (created_at, seq);
CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE expires_at IS NOT NULL;
-- Claiming reads the head of this one: the same cost at any length of the queue.
CREATE INDEX tasks_runnable ON tasks (rank, seq) WHERE state = 'not_started' AND not_before IS NULL;
CREATE INDEX tasks_delayed ON tasks (not_before) WHERE not_before IS NOT NULL;
-- As short as there are workers. No index holds `lease_until`, so that a heartbeat changes none (a heap-only tuple).
CREATE INDEX tasks_in_progress ON tasks (seq) WHERE state = 'in_progress';

CREATE TABLE attempts (
    seq           bigint  NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    claim_no      bigint  NOT NULL,
    run           bigint  NOT NULL,
    worker        text    NOT NULL,
    started_at    bigint  NOT NULL,
    ended_at      bigint,
    outcome       text    CHECK (outcome IN ('finished', 'failed', 'released', 'cancelled')),
    reason_code   text,
    reason_detail text,
    refunded      boolean NOT NULL DEFAULT false,
    peak_memory   bigint,
    PRIMARY KEY (seq, claim_no),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- What is waiting or in progress: the sum over the nodes, each of which wrote what its own changes came to.
CREATE TABLE backlog (
    node  text   NOT NULL PRIMARY KEY,
    tasks bigint NOT NULL,
    bytes bigint NOT NULL
) WITH (fillfactor = 50);

-- The same of each key; `stored` counts the originals and results of all its tasks.
CREATE TABLE usage (
    caller bytea  NOT NULL,
    node   text   NOT NULL,
    tasks  bigint NOT NULL,
    bytes  bigint NOT NULL,
    stored bigint NOT NULL,
    PRIMARY KEY (caller, node)
) WITH (fillfactor = 50);

-- The rank given out last in each line, that of a caller (empty for nobody in particular) and a priority: the greatest of the nodes'.
CREATE TABLE lines (
    caller   bytea  NOT NULL,
    priority text   NOT NULL,
    node     text   NOT NULL,
    last     bigint NOT NULL,
    PRIMARY KEY (caller, priority, node)
) WITH (fillfactor = 50);

-- The greatest rank that was handed out: the greatest of the nodes'.
CREATE TABLE present (
    node text   NOT NULL PRIMARY KEY,
    rank bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE events (
    no     bigint NOT NULL PRIMARY KEY DEFAULT nextval('event_numbers'),
    task   uuid   NOT NULL, -- may be gone
    caller bytea,
    at     bigint NOT NULL,
    news   text   NOT NULL -- as JSON
);
CREATE INDEX events_by_task ON events (task, no);
CREATE INDEX events_by_caller ON events (caller, no) WHERE caller IS NOT NULL;

-- The keys under which clients sent uploads, written with their tasks; gone once the task is being deleted.
CREATE TABLE idempotency_keys (
    caller      bytea  NOT NULL, -- empty for tasks of nobody in particular
    key         text   NOT NULL,
    fingerprint bytea  NOT NULL,
    seq         bigint NOT NULL UNIQUE REFERENCES tasks (seq) ON DELETE CASCADE,
    PRIMARY KEY (caller, key)
);

CREATE TABLE assets (
    name      text   COLLATE "C" NOT NULL PRIMARY KEY,
    version   uuid   NOT NULL UNIQUE, -- the sweep for orphans asks by it
    len       bigint NOT NULL,
    sha256    bytea  NOT NULL,
    format    text   NOT NULL,
    width     bigint NOT NULL,
    height    bigint NOT NULL,
    stored_at bigint NOT NULL
);

-- A row for each asset of a task that may still be run; gone once it is finished or being deleted.
CREATE TABLE task_assets (
    seq     bigint NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    version uuid   NOT NULL,
    PRIMARY KEY (seq, version)
);
CREATE INDEX task_assets_by_version ON task_assets (version);

CREATE TABLE key_values (
    key     text   COLLATE "C" NOT NULL PRIMARY KEY,
    value   text   NOT NULL, -- JSON
    version bigint NOT NULL
);

-- The version given out last. Apart from the keys, so that a key written again after its removal does not repeat one.
CREATE TABLE key_values_version (
    only_row boolean PRIMARY KEY CHECK (only_row),
    version  bigint NOT NULL
);
INSERT INTO key_values_version VALUES (true, 0);

-- API keys. Of a secret only the digest is kept. No row is ever removed.
CREATE TABLE keys (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            bytea  NOT NULL UNIQUE,
    name          text   NOT NULL,
    scopes        text   NOT NULL,
    quota         text   NOT NULL, -- an object
    secret        bytea  NOT NULL,
    former_secret bytea,
    former_until  bigint,
    created_at    bigint NOT NULL,
    expires_at    bigint,
    revoked_at    bigint,
    CHECK ((former_secret IS NULL) = (former_until IS NULL))
);

-- Secrets of webhooks are kept as they are, since the server signs with them.
CREATE TABLE webhooks (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            uuid   NOT NULL UNIQUE,
    caller        bytea,
    url           text   NOT NULL,
    secret        bytea  NOT NULL,
    former_secret bytea,
    former_until  bigint,
    created_at    bigint NOT NULL,
    CHECK ((former_secret IS NULL) = (former_until IS NULL))
);
CREATE INDEX webhooks_by_caller ON webhooks (caller, seq);

CREATE TABLE deliveries (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          uuid   NOT NULL UNIQUE,
    webhook     uuid   NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    task        uuid   NOT NULL, -- may be gone
    occasion    text   NOT NULL,
    body        text   NOT NULL,
    state       text   NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts    bigint NOT NULL,
    tries       bigint NOT NULL,
    created_at  bigint NOT NULL,
    began_at    bigint NOT NULL,
    next_at     bigint,
    ended_at    bigint,
    last_at     bigint,
    last_status bigint,
    last_error  text,
    CHECK ((state = 'waiting') = (next_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CHECK ((last_at IS NULL) = (last_status IS NULL AND last_error IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, seq);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_due_by_webhook ON deliveries (webhook, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;
