//! `database secrets`, and how hydration uses a dotenv.

mod keys;
mod leaks;
mod load;
mod sealed;
mod verbs;
