//! What other users can make the programs do, and what they get to see.

mod files;
mod root;
