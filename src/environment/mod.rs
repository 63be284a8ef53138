//! The clusters that commands work on: the development cluster, and private clusters, which are
//! removed afterwards.

pub mod development;
pub mod private;
