//! `database pull_staging`, from a second database in the role of staging.

mod around;
mod check;
mod closure;
mod contract;
mod faults;
mod file;
mod guard;
mod hostile;
mod into;
mod load;
mod mask;
mod scan;
mod sequence;
mod since;
mod ssh;
mod support;
