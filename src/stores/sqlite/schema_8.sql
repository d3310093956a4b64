-- Version 8. What the tasks of each key come to, counted in the same transaction that changes it.

CREATE TABLE usage (
    caller BLOB    NOT NULL PRIMARY KEY,
    tasks  INTEGER NOT NULL CHECK (tasks >= 0),  -- waiting or in progress
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),  -- of their originals
    stored INTEGER NOT NULL CHECK (stored >= 0)  -- bytes of originals and results of all tasks
) STRICT, WITHOUT ROWID;

INSERT INTO usage
    SELECT caller, sum(state IN ('not_started', 'in_progress')), sum(iif(state IN ('not_started', 'in_progress'), original_len, 0)),
        sum(original_len + (SELECT coalesce(sum(json_extract(value, '$.blob.len')), 0) FROM json_each(results)))
    FROM tasks WHERE caller IS NOT NULL GROUP BY caller;

CREATE TRIGGER usage_inserted AFTER INSERT ON tasks WHEN NEW.caller IS NOT NULL BEGIN
    INSERT INTO usage SELECT NEW.caller, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE caller = NEW.caller);
    UPDATE usage SET tasks = tasks + 1, bytes = bytes + NEW.original_len, stored = stored + NEW.original_len WHERE caller = NEW.caller;
END;
CREATE TRIGGER usage_entered AFTER UPDATE OF state ON tasks
WHEN NEW.caller IS NOT NULL AND NEW.state IN ('not_started', 'in_progress') AND OLD.state NOT IN ('not_started', 'in_progress') BEGIN
    UPDATE usage SET tasks = tasks + 1, bytes = bytes + NEW.original_len WHERE caller = NEW.caller;
END;
CREATE TRIGGER usage_left AFTER UPDATE OF state ON tasks
WHEN NEW.caller IS NOT NULL AND OLD.state IN ('not_started', 'in_progress') AND NEW.state NOT IN ('not_started', 'in_progress') BEGIN
    UPDATE usage SET tasks = tasks - 1, bytes = bytes - OLD.original_len WHERE caller = NEW.caller;
END;
CREATE TRIGGER usage_stored AFTER UPDATE OF results ON tasks WHEN NEW.caller IS NOT NULL AND NEW.results <> OLD.results BEGIN
    UPDATE usage SET stored = stored
        + (SELECT coalesce(sum(json_extract(value, '$.blob.len')), 0) FROM json_each(NEW.results))
        - (SELECT coalesce(sum(json_extract(value, '$.blob.len')), 0) FROM json_each(OLD.results))
    WHERE caller = NEW.caller;
END;
-- A task is removed only after it has ended.
CREATE TRIGGER usage_removed AFTER DELETE ON tasks WHEN OLD.caller IS NOT NULL BEGIN
    UPDATE usage SET stored = stored - OLD.original_len
        - (SELECT coalesce(sum(json_extract(value, '$.blob.len')), 0) FROM json_each(OLD.results))
    WHERE caller = OLD.caller;
END;
