//! The rules of the house, each one a test that reads the sources: which floor may use which, where actors start, what
//! no file may contain. Every rule is also fed a bad sample, so that it cannot pass by seeing nothing.

#[path = "architecture/arrows.rs"]
mod arrows;
#[path = "architecture/bans.rs"]
mod bans;
#[path = "architecture/files.rs"]
mod files;
#[path = "architecture/source.rs"]
mod source;

/// Fails with every finding and what to do about it.
fn assert_none(findings: &[String], advice: &str) {
    assert!(findings.is_empty(), "{advice}\n  {}", findings.join("\n  "));
}
