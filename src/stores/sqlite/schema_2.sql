-- Which version each name of an asset stands for, and which versions tasks were accepted with. Ids and digests are raw bytes, moments are Unix milliseconds.

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

-- A row for each asset of a task that may still be run. One that is finished, or is being deleted, never is again.
CREATE TABLE task_assets (
    seq     INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    version BLOB    NOT NULL,
    PRIMARY KEY (seq, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_assets_by_version ON task_assets (version);

CREATE TRIGGER task_assets_released AFTER UPDATE OF state ON tasks WHEN NEW.state IN ('finished', 'deleting') BEGIN
    DELETE FROM task_assets WHERE seq = NEW.seq;
END;
