//! `database secrets`, and what hydration does with a dotenv.

mod keys;
mod leaks;
mod load;
mod sealed;
mod verbs;
