//! The clusters that verbs work on: the development cluster, and private clusters that are removed afterwards.

pub mod development;
pub mod private;
