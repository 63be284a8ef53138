//! `migrator`: a verb or a few related ones a file. Forward and back is `migration::migrate`, because
//! other verbs go that way too.

pub mod change;
pub mod fetch;
pub mod inspect;
pub mod verify;
