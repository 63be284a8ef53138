//! Which branch of an `\if` psql takes.

use super::variables::{Known, Variables};
use crate::postgres::psql::lexer::Meta;

/// The `\if` commands that are open in a file, outermost first.
#[derive(Debug)]
pub(super) struct Branches {
    /// Whether psql reads the file at all.
    file: Known,
    open: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    /// Whether psql takes the branch that is read now.
    taken: Known,
    /// Whether it took an earlier one.
    earlier: Known,
}

impl Branches {
    /// No branch of a file.
    pub(super) fn of_file(file: Known) -> Self {
        Self { file, open: Vec::new() }
    }

    /// Whether psql runs what is read now.
    pub(super) fn taken(&self) -> Known {
        self.open.iter().fold(self.file, |all, branch| and(all, branch.taken))
    }

    /// Takes a command that begins or ends a branch; false for any other.
    pub(super) fn turn(&mut self, meta: &Meta, variables: &Variables) -> bool {
        match meta.command.as_str() {
            "if" => {
                let taken = variables.holds(&meta.arguments);
                self.open.push(Branch { taken, earlier: taken });
            }
            "elif" | "else" => {
                let Some(branch) = self.open.last_mut() else { return true };
                let holds = match meta.command.as_str() {
                    "else" => Some(true),
                    _ => variables.holds(&meta.arguments),
                };
                branch.taken = and(not(branch.earlier), holds);
                branch.earlier = not(and(not(branch.earlier), not(holds)));
            }
            "endif" => drop(self.open.pop()),
            _ => return false,
        }
        true
    }
}

fn and(a: Known, b: Known) -> Known {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn not(a: Known) -> Known {
    a.map(|known| !known)
}
