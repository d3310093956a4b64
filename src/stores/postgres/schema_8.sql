-- Version 8. How often keys that have a pace were used of late, each server in rows that it alone adds to. Not logged: it is about the last minute,
-- so nothing of it need outlive a crash, and no exchange waits for the disk. The minute of `moment()` changes once in a minute; no other
-- index holds what an exchange changes, and the pages have room, so that it changes none (a heap-only tuple).

CREATE UNLOGGED TABLE uses (
    key      bytea  NOT NULL,
    node     text   COLLATE "C" NOT NULL,
    admitted bigint NOT NULL, -- since the row was made, over all runs of the server
    told_in  bigint NOT NULL, -- the last minute in which it was added to
    PRIMARY KEY (key, node)
) WITH (fillfactor = 25);
CREATE INDEX uses_silent ON uses (told_in);
