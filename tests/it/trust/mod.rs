//! Other users: the actions that they can provoke, and the files that they can read.

mod files;
mod root;
