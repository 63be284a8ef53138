//! Describes a database as facts, compares two descriptions, and drafts a migration from the
//! differences.

pub mod draft;
pub mod drift;
pub mod facts;
pub mod origin;
pub mod rows;
