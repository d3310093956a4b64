-- Version 3. What is known of an original, as JSON.

ALTER TABLE tasks ADD COLUMN probe TEXT;
