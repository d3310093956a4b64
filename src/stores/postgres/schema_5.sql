-- Version 5. The servers that share the database, each in a row that it alone writes. Moments by `moment()`. No index holds what a heartbeat
-- changes, and the pages have room, so that it changes none (a heap-only tuple).

CREATE TABLE nodes (
    node       text    COLLATE "C" NOT NULL PRIMARY KEY,
    run        uuid    NOT NULL, -- of the server's process
    role       text    NOT NULL,
    version    text    NOT NULL,
    address    text    NOT NULL,
    draining   boolean NOT NULL,
    workers    bigint  NOT NULL,
    busy       bigint  NOT NULL,
    tree       text    NOT NULL, -- JSON
    every      bigint  NOT NULL, -- microseconds between its heartbeats
    started_at bigint  NOT NULL,
    heard_at   bigint  NOT NULL
) WITH (fillfactor = 25);
