-- Version 4. Tasks that nobody has had yet in their run lie apart from those that came back. New ones only come behind what was handed out, so
-- whoever looks for them goes on where it was (`low_water.rs`); those that came back keep their places, and are few.

DROP INDEX tasks_runnable;
CREATE INDEX tasks_fresh ON tasks (rank, seq) WHERE state = 'not_started' AND not_before IS NULL AND attempts = 0 AND refunds = 0;
CREATE INDEX tasks_returned ON tasks (rank, seq) WHERE state = 'not_started' AND not_before IS NULL AND (attempts > 0 OR refunds > 0);
