//! Engines behind the actors: traits, SQLite for tasks and key-values, local files for blobs.
