-- Version 4. The key that a task belongs to; NULL where it was handed in without one.

ALTER TABLE tasks ADD COLUMN caller BLOB;

-- A caller's own pages cost the same however many tasks others have.
CREATE INDEX tasks_by_caller ON tasks (caller, seq) WHERE caller IS NOT NULL;
CREATE INDEX tasks_by_caller_and_state ON tasks (caller, state, seq) WHERE caller IS NOT NULL;
