//! The verbs of `migrator`, related ones in one file. `up` and `down` are in `migration::migrate`,
//! because other verbs use them, too.

pub mod change;
pub mod fetch;
pub mod import;
pub mod inspect;
pub mod verify;
