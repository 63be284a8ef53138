//! Selecting rows: tables, patterns, conditions, and the rows that selected rows refer to.

pub(in crate::pull) mod choice;
pub(in crate::pull) mod closure;
pub(in crate::pull) mod find;
pub(in crate::pull) mod links;
pub(in crate::pull) mod order;
pub(in crate::pull) mod pattern;
pub(in crate::pull) mod sequence;
pub(in crate::pull) mod since;
pub(in crate::pull) mod table;
pub(in crate::pull) mod watermark;
pub(in crate::pull) mod words;
