//! Each mechanism that the promises rest on is taken out, and a named test must notice.
