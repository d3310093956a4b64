-- Version 6. API keys. Of a secret only the digest is kept; moments are Unix milliseconds. No row is ever removed.

CREATE TABLE keys (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    quota         TEXT    NOT NULL, -- an object
    secret        BLOB    NOT NULL,
    former_secret BLOB,
    former_until  INTEGER,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    revoked_at    INTEGER,
    CHECK ((former_secret IS NULL) = (former_until IS NULL))
) STRICT;
