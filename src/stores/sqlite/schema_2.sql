-- Which version each name of an asset stands for. Ids and digests are raw bytes, moments are Unix milliseconds.

CREATE TABLE assets (
    name      TEXT    NOT NULL PRIMARY KEY,
    version   BLOB    NOT NULL UNIQUE, -- the sweep for orphans asks by it
    len       INTEGER NOT NULL,
    sha256    BLOB    NOT NULL,
    format    TEXT    NOT NULL,
    width     INTEGER NOT NULL,
    height    INTEGER NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
