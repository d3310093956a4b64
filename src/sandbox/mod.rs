//! The child process in which images are decoded: spawning, frames, limits and the child's main loop.
