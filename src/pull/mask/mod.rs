//! Masks: they change values before the values leave staging. Also proposals for masks.

pub(in crate::pull) mod rules;
pub(in crate::pull) mod scan;
