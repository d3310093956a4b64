-- Version 14. What the process of an attempt had in memory at most, in bytes; NULL where that is not known.

ALTER TABLE attempts ADD COLUMN peak_memory INTEGER;
