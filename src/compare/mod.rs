//! A database described as facts, two descriptions compared, and a migration drafted from the differences.

pub mod draft;
pub mod drift;
pub mod facts;
pub mod origin;
pub mod rows;
