//! `database diff`: nothing but real differences, and all of them.

mod input;
mod output;
mod rows;
mod schema;
mod support;
