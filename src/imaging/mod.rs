//! Pixels: probe, decode, operations, encode. Pure: bytes in, bytes out; knows no actor, no file, no global state.
