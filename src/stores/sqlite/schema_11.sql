-- Version 11. Where a page begins that is asked for by a moment.

CREATE INDEX tasks_by_creation ON tasks (created_at);
