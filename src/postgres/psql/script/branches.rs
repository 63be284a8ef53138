//! Finds the branches of `\if` that psql takes.

use super::variables::{Known, Variables};
use crate::postgres::psql::lexer::Meta;

/// The open `\if` commands of a file, outermost first.
#[derive(Debug)]
pub(super) struct Branches {
    /// Whether psql runs the file at all.
    file: Known,
    open: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    /// Whether psql takes the current branch.
    taken: Known,
    /// Whether psql has taken an earlier branch.
    earlier: Known,
}

impl Branches {
    /// The state at the beginning of a file, without an `\if`.
    pub(super) fn of_file(file: Known) -> Self {
        Self { file, open: Vec::new() }
    }

    /// Whether psql runs the current statement or command.
    pub(super) fn taken(&self) -> Known {
        self.open.iter().fold(self.file, |all, branch| and(all, branch.taken))
    }

    /// Takes a command that begins or ends a branch. Returns false for other commands.
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
