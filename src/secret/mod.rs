//! Secrets: where they come from and how they are read.

pub mod dotenv;
mod load;
mod value;

pub use load::{check, load};
pub use value::Secret;
