//! `migrator` when things go wrong around it: processes are killed, others work at the same time, and
//! the migrations are those of a real project.

mod alone;
mod matrix;
mod moment;
mod races;
mod real;
mod support;
