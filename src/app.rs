//! Builds everything in order and stops it in reverse; the only place that starts actors.
