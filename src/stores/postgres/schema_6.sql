-- Version 6. What each server has measured of its work. A server of an older version tells neither, and is one that has measured nothing.

ALTER TABLE nodes
    ADD COLUMN mean_work bigint, -- microseconds in a worker's hands; NULL before the first task
    ADD COLUMN rate double precision NOT NULL DEFAULT 0; -- tasks ended in a second
