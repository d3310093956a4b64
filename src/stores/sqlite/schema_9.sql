-- Version 9. What happened to tasks, written with the change itself, so that waiting clients and streams can be told, also later.

CREATE TABLE events (
    no     INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused, so that a client can go on behind it
    task   BLOB    NOT NULL, -- may be gone
    caller BLOB,
    at     INTEGER NOT NULL,
    news   TEXT    NOT NULL -- as JSON
) STRICT;

CREATE INDEX events_by_task ON events (task, no);
CREATE INDEX events_by_caller ON events (caller, no) WHERE caller IS NOT NULL;
