//! The documents: their generated parts are current, and every link leads somewhere.
//!
//! Generated text stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. `cargo x docs` runs
//! this test with `UPDATE_DOCS=1`, which writes that text instead of comparing it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/generated.rs"]
mod generated;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/paths.rs"]
mod paths;
#[path = "docs/width.rs"]
mod width;
