//! The clusters that commands work on: the development cluster, and private clusters, which are
//! removed afterwards.

pub mod clone;
pub mod development;
pub mod foundation;
pub mod gc;
pub mod idle;
pub mod keeper;
pub mod lease;
pub mod place;
pub mod private;
pub mod registry;
pub mod saver;
pub mod spare;
