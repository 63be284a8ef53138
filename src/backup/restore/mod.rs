//! From a backup to a server of one's own, proven and tamed.

pub(in crate::backup) mod live;
pub(in crate::backup) mod preflight;
pub(in crate::backup) mod prepare;
pub(in crate::backup) mod settings;
pub(in crate::backup) mod superuser;
pub(in crate::backup) mod tame;
