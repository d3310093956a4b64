-- Version 10. The keys under which clients sent uploads, written with their tasks.

CREATE TABLE idempotency_keys (
    caller      BLOB    NOT NULL, -- empty for tasks of nobody in particular
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    seq         INTEGER NOT NULL UNIQUE REFERENCES tasks (seq) ON DELETE CASCADE,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

-- What its user sees no more holds no key.
CREATE TRIGGER idempotency_keys_released AFTER UPDATE OF state ON tasks WHEN NEW.state = 'deleting' BEGIN
    DELETE FROM idempotency_keys WHERE seq = NEW.seq;
END;
