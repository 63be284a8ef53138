//! What becomes of values before they leave staging, and proposals for it.

pub(in crate::pull) mod rules;
pub(in crate::pull) mod scan;
