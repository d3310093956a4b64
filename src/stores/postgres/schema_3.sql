-- Version 3. Which node sends a delivery, and until when nobody else does, by `moment()`.

ALTER TABLE deliveries ADD COLUMN taken_by text, ADD COLUMN taken_until bigint;
