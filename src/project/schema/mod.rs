//! The schema file: the schema of a database as SQL, for people who review its changes.
//!
//! `pg_dump` knows every kind of object, so its statements are the content. Its order follows names
//! and dependencies, except where two objects have the same name, or privileges were granted in
//! another order; `text` sorts these. The same schema therefore gives the same file, however the
//! database came to it.

pub mod dumped;
mod file;
mod text;

pub use file::SchemaFile;
pub use text::{Origin, changed, text};
