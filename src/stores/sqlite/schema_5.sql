-- Version 5. What the sender says about a task, as JSON: an object or a text.

ALTER TABLE tasks ADD COLUMN metadata TEXT;
