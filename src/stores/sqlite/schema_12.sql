-- Version 12. In which order waiting tasks are handed out: by a rank that is given to each once, so that a claim reads the head of an index.

ALTER TABLE tasks ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
ALTER TABLE tasks ADD COLUMN rank INTEGER NOT NULL DEFAULT 0; -- equal ranks go by seq

-- The rank given out last in each line: that of a caller (empty for nobody in particular) and a priority.
CREATE TABLE lines (
    caller   BLOB    NOT NULL,
    priority TEXT    NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (caller, priority)
) STRICT, WITHOUT ROWID;

-- The greatest rank that was handed out.
CREATE TABLE present (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    rank     INTEGER NOT NULL
) STRICT;
INSERT INTO present VALUES (1, 0);

DROP INDEX tasks_runnable;
-- Claiming reads the head of this one: the same cost at any length of the queue.
CREATE INDEX tasks_runnable ON tasks (rank, seq) WHERE state = 'not_started' AND not_before IS NULL;
