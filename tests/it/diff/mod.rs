//! `database diff`: nothing but real differences, and all of them.

mod against;
mod backup;
mod change;
mod dependents;
mod draft;
mod dump;
mod every;
mod hostile;
mod ignore;
mod input;
mod keep;
mod not_null;
mod origin;
mod output;
mod privileges;
mod rare;
mod rows;
mod schema;
mod support;
