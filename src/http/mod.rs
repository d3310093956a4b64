//! The HTTP surface: parse, ask the frontend, map the reply.
