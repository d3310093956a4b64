-- Version 15. The name of this database, whatever becomes of the file: a shared store of blobs belongs to one.

CREATE TABLE identity (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id       BLOB NOT NULL
) STRICT;
INSERT INTO identity VALUES (1, randomblob(16));
