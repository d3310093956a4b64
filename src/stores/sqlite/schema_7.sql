-- Version 7. How long a task is kept once it has ended, in milliseconds (NULL: until it is deleted), and from when on it is not.

ALTER TABLE tasks ADD COLUMN expires_in INTEGER;
ALTER TABLE tasks ADD COLUMN expires_at INTEGER;

CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE expires_at IS NOT NULL;
