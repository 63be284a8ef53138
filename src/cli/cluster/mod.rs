//! The programs that provide and stop the development cluster.

pub(in crate::cli) mod cleanup;
pub(in crate::cli) mod init;
