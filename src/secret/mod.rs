//! Secrets: their sources, their sealed form, and the store in the database.

mod cipher;
pub mod dotenv;
pub mod key;
mod load;
mod place;
pub mod sealed_file;
mod store;
mod unreadable;
mod value;

pub use key::KeyRing;
pub use load::{Dotenv, Supply, read_file};
pub use place::KeySource;
pub use store::{Listed, Store};
pub use unreadable::tell_unreadable;
pub use value::Secret;
