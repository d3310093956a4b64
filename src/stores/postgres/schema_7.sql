-- Version 7. The deliveries that somebody sends at this moment, however many others wait; there are as many as may be under way.

CREATE INDEX deliveries_taken ON deliveries (taken_until) WHERE taken_until IS NOT NULL;
