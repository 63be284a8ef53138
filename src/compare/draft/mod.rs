//! The draft of a migration: statements that make one schema another, as far as there are any; pure.
//!
//! From the facts of both sides comes a plan (what is dropped, made, made again or changed), from
//! that operations with statements, and their order from what depends on what. What has no
//! statement is named. A draft claims nothing: whether it does what it should is for the caller to
//! try out, on a copy.

mod acl;
mod aggregate;
mod alter;
mod column;
mod create;
mod depend;
mod edges;
mod enums;
mod mention;
mod name;
mod not_null;
mod operation;
mod options;
mod order;
mod plan;
mod rows;
mod sequence;
mod side;
mod spread;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::compare::facts::{Facts, Kind};
use crate::compare::rows::TableDiff;
use operation::Operations;
use plan::Plan;

/// A difference that is not expressed, in a line.
pub type Left = String;

/// One direction of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Settings of its transaction.
    settings: Vec<String>,
    /// Statements and comments, in groups, in order.
    groups: Vec<Vec<String>>,
    /// What it does not do.
    pub left: Vec<Left>,
}

impl Draft {
    /// From one schema to another, with these rows. Both have the owner of the database replaced,
    /// as `drift::Roles` do it.
    pub fn new(from: &Facts, to: &Facts, rows: &[TableDiff]) -> Self {
        let mut plan = Plan::of(from, to, rows);
        loop {
            let operations = Operations::of(&plan, rows);
            match operations.sorted() {
                Ok((groups, left)) => return Self { settings: settings(&plan), groups, left },
                Err(part) => plan.split(&part),
            }
        }
    }

    /// Does also what `later` does, at the end.
    pub fn append(&mut self, later: Self) {
        self.groups.extend(later.groups);
        self.left.extend(later.left);
    }

    /// As the text of a file that begins with `title`.
    pub fn text(&self, title: &str) -> String {
        let mut text = format!("-- {title}\n");
        if !self.left.is_empty() {
            text.push_str("--\n-- Not expressed:\n");
        }
        for line in self.left.iter().flat_map(|left| left.lines()) {
            text.push_str(&format!("--   {line}\n"));
        }
        for group in std::iter::once(&self.settings).chain(&self.groups) {
            text.push('\n');
            for statement in group {
                text.push_str(statement);
                text.push('\n');
            }
        }
        text
    }
}

/// Functions may speak of what is made after them, and tables of some schemas owe no `created_at`.
fn settings(plan: &Plan) -> Vec<String> {
    let mut all = vec!["SET LOCAL check_function_bodies = off;".to_owned()];
    let owes_not = |name: &crate::compare::facts::Identity| {
        let object = plan.to.facts.get(name)?;
        let is_exempt = name.kind == Kind::Table && !inherits_created_at(plan, object, 0);
        is_exempt.then(|| enums::split(&name.name).0.trim_end_matches('.').to_owned())
    };
    let touched = plan.made.iter().chain(plan.changes.keys());
    let schemas: BTreeSet<String> = touched.filter_map(owes_not).collect();
    if !schemas.is_empty() {
        let list: Vec<_> = schemas.into_iter().collect();
        let list = list.join(", ").replace('\'', "''");
        all.push(format!("SET LOCAL hectic.inheritance_extra_excluded_schemas = '{list}';"));
    }
    all
}

fn inherits_created_at(plan: &Plan, table: &crate::compare::facts::Object, depth: usize) -> bool {
    let parents = name::items(table.get("inherits").unwrap_or_default());
    let is_exempt = table.get("partition bound").is_some();
    is_exempt
        || parents.iter().any(|parent| {
            let name =
                crate::compare::facts::Identity { kind: Kind::Table, name: (*parent).to_owned() };
            let inherits = |parent| depth < 100 && inherits_created_at(plan, parent, depth + 1);
            *parent == "hectic.created_at" || plan.to.facts.get(&name).is_some_and(inherits)
        })
}
