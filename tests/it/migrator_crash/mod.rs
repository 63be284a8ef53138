//! `migrator` under adverse conditions: tests kill processes, other sessions work at the same time,
//! and the migrations are those of a real project.

mod alone;
mod matrix;
mod moment;
mod races;
mod real;
mod support;
