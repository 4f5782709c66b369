//! How a test that cannot run here says so: one line that `cargo xtask test` and `.ci/run` collect.

/// Prints `skipped: KIND: reason`; fails where `PROMOT_REQUIRE` names the kind (xtask/src/skips.rs lists the kinds).
#[track_caller]
pub fn skip(kind: &str, reason: &str) {
    let required = std::env::var("PROMOT_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == kind), "{kind} is required: {reason}");
    eprintln!("skipped: {kind}: {reason}");
}
