//! Faults of the machine and of the server, and what the programs make of them.

mod crash;
