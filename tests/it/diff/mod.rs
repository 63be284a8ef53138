//! `database diff`: reports all real differences and no others.

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
mod moved;
mod native;
mod not_null;
mod origin;
mod output;
mod privileges;
mod rare;
mod rows;
mod schema;
mod support;
mod unproven;
