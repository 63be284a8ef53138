//! The draft of a migration: statements that turn one schema into another, as far as possible.
//! Pure.
//!
//! The facts of both sides give a plan: the objects to drop, make, make again or change. The plan
//! gives operations with statements, and dependencies give their order. Differences without a
//! statement are listed. A draft is not guaranteed to work, so the caller must try it on a copy.

mod acl;
mod aggregate;
mod along;
mod alter;
mod column;
mod create;
mod depend;
mod edges;
mod enums;
mod inherited;
mod mention;
mod name;
mod native;
mod not_null;
mod operation;
mod options;
mod order;
mod plan;
mod privilege;
mod rare;
mod rows;
mod sequence;
mod side;
mod spread;
mod step;
mod taken;
#[cfg(test)]
mod tests;

use crate::compare::facts::property;
use std::collections::BTreeSet;

use crate::compare::facts::{Facts, Kind};
use crate::compare::rows::TableDiff;
use operation::Operations;
use plan::Plan;

/// A difference that the draft does not remove, as one line.
pub type Undrafted = String;

/// One direction of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The settings of its transaction.
    settings: Vec<String>,
    /// The statements and comments, grouped and ordered.
    groups: Vec<Vec<String>>,
    /// The differences that it does not remove.
    pub left: Vec<Undrafted>,
}

impl Draft {
    /// Drafts the way from one schema to another, with these rows. In both, `drift::Roles` must
    /// have replaced the owner of the database.
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

    /// Puts statements before all others.
    pub fn begin_with(&mut self, statements: Vec<String>) {
        if !statements.is_empty() {
            self.groups.insert(0, statements);
        }
    }

    /// Appends the statements of `later`.
    pub fn append(&mut self, later: Self) {
        self.groups.extend(later.groups);
        self.left.extend(later.left);
    }

    /// Formats the draft as a file that begins with `title`.
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

/// The settings that allow functions to mention objects that are made later, and tables without
/// `created_at`.
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
    let parents = name::items(table.get(property::INHERITS).unwrap_or_default());
    let is_exempt = table.get(property::PARTITION_BOUND).is_some();
    is_exempt
        || parents.iter().any(|parent| {
            let name =
                crate::compare::facts::Identity { kind: Kind::Table, name: (*parent).to_owned() };
            let inherits = |parent| depth < 100 && inherits_created_at(plan, parent, depth + 1);
            *parent == "hectic.created_at" || plan.to.facts.get(&name).is_some_and(inherits)
        })
}
