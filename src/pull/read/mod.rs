//! Reading rows on staging.

pub(in crate::pull) mod access;
pub(in crate::pull) mod amount;
pub(in crate::pull) mod checksum;
pub(in crate::pull) mod rows;
pub(in crate::pull) mod source;
