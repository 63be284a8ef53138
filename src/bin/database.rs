//! The `database` program.
fn main() {}
