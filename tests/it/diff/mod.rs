//! `database diff`: nothing but real differences, and all of them.

mod backup;
mod input;
mod output;
mod rows;
mod schema;
mod support;
