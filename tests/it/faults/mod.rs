//! Faults of the machine, of the server and of its surroundings, and what the programs make of them.
//!
//! Most tests go through a list of cases. Each case says what happens to the cluster, what the
//! program says, and how it ends.

mod caller;
mod crash;
mod ended;
mod gone;
mod place;
mod refused;
mod surroundings;
