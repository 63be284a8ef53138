//! A plan as operations with statements, and those in order.

use std::collections::BTreeMap;

use super::alter;
use super::create;
use super::enums;
use super::order::Graph;
use super::plan::{Plan, rename};
use super::side::Side;
use super::{Left, column, rows};
use crate::drift::Difference;
use crate::facts::{Facts, Identity, Kind, Object, What};
use crate::rows::TableDiff;

/// What an operation does with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Drop,
    /// Makes or changes it.
    Make,
    /// What waits until everything is there.
    Finish,
}

/// Statements that belong together. Without an object: the rows.
struct Operation {
    step: Step,
    identity: Option<Identity>,
    statements: Vec<String>,
}

/// The statements of a plan.
pub(super) struct Operations<'p, 'a> {
    plan: &'p Plan<'a>,
    all: Vec<Operation>,
    pub(super) left: Vec<Left>,
}

impl<'p, 'a> Operations<'p, 'a> {
    pub(super) fn of(plan: &'p Plan<'a>, tables: &[TableDiff]) -> Self {
        let mut operations = Self { plan, all: Vec::new(), left: Vec::new() };
        plan.dropped.iter().chain(&plan.rebuilt).for_each(|identity| operations.drop(identity));
        plan.made.iter().for_each(|identity| operations.make(identity));
        plan.rebuilt.iter().for_each(|identity| operations.make(plan.new_name(identity)));
        plan.renewed.iter().for_each(|identity| operations.renew(identity));
        let changed = plan.changes.keys().chain(&plan.retyped);
        let changed: std::collections::BTreeSet<&Identity> = changed.collect();
        changed.into_iter().for_each(|identity| operations.change(identity));
        let (statements, cut) = rows::statements(&plan.to, tables);
        operations.left.extend(cut);
        operations.push(Step::Make, None, statements);
        operations
    }

    fn push(&mut self, step: Step, identity: Option<&Identity>, statements: Vec<String>) {
        if !statements.is_empty() {
            self.all.push(Operation { step, identity: identity.cloned(), statements });
        }
    }

    fn drop(&mut self, identity: &Identity) {
        let Some(object) = self.plan.from.facts.get(identity) else { return };
        if self.goes_with_its_schema(identity) {
            return;
        }
        match alter::drop(identity, object) {
            Some(statements) => self.push(drop_step(identity), Some(identity), statements),
            None => self.left.push(format!("- {identity}")),
        }
    }

    /// Default privileges in a schema that is dropped.
    fn goes_with_its_schema(&self, identity: &Identity) -> bool {
        let schemas = self.plan.dropped.iter().filter(|other| other.kind == Kind::Schema);
        let mut places = schemas.map(|schema| format!(" in schema {} on ", schema.name));
        identity.kind == Kind::DefaultPrivileges
            && places.any(|place| identity.name.contains(&place))
    }

    fn make(&mut self, identity: &Identity) {
        let Some(object) = self.plan.to.facts.get(identity) else { return };
        let step = if identity.kind == Kind::DefaultPrivileges { Step::Finish } else { Step::Make };
        match create::create(&self.plan.to, self.plan.from.facts, identity, object) {
            Some(statements) => self.push(step, Some(identity), statements),
            None => self.left.push(format!("+ {identity}")),
        }
        if identity.kind == Kind::Sequence && object.get("owned by").is_some() {
            let nothing = Object::default();
            let owned = alter::property(&self.plan.to, identity, &nothing, object, "owned by");
            self.push(Step::Finish, Some(identity), owned.unwrap_or_default());
        }
    }

    /// An enum steps aside for its successor, and goes when no column is left of its type.
    fn renew(&mut self, identity: &Identity) {
        let (qualified, own) = enums::old_name(identity);
        let aside = format!("ALTER TYPE {} RENAME TO {own};", identity.name);
        self.push(Step::Drop, Some(identity), vec![aside]);
        self.make(identity);
        self.push(Step::Finish, Some(identity), vec![format!("DROP TYPE {qualified};")]);
    }

    fn change(&mut self, identity: &Identity) {
        let plan = self.plan;
        let (Some(before), Some(after)) = plan.both(identity) else { return };
        let is_gone = plan.rebuilt.contains(identity) || plan.renewed.contains(identity);
        let with_whole = after.whole.as_ref().is_some_and(|whole| plan.rebuilt.contains(whole));
        if is_gone || with_whole {
            return;
        }
        let mut statements = Vec::new();
        let mut last = Vec::new();
        let retyped = plan.retyped.contains(identity);
        if retyped && !plan.from.comes_along(identity, before) {
            statements = column::retype(identity, before, after);
        }
        let mut changes: Vec<&Difference> =
            plan.changes.get(identity).into_iter().flatten().collect();
        changes.sort_by_key(|difference| turn(difference));
        for difference in changes {
            let What::Changed { property, .. } = &difference.what else { continue };
            if retyped && ["type", "collation", "default"].contains(&property.as_str()) {
                continue;
            }
            let found = match property.as_str() {
                "name" => {
                    let new = plan.new_name(identity);
                    Some(vec![rename(identity, before, new, after)])
                }
                _ => {
                    let name = plan.new_name(identity);
                    alter::property(&plan.to, name, before, after, property)
                }
            };
            let is_last = identity.kind == Kind::DefaultPrivileges || property == "owned by";
            match found {
                None => self.left.push(format!("~ {identity}: {property}")),
                Some(found) => {
                    let list = if is_last { &mut last } else { &mut statements };
                    for one in found {
                        if !list.contains(&one) {
                            list.push(one);
                        }
                    }
                }
            }
        }
        self.push(Step::Make, Some(identity), statements);
        self.push(Step::Finish, Some(identity), last);
    }

    /// The statements in order.
    pub(super) fn sorted(self) -> Vec<Vec<String>> {
        let ranks: Vec<_> = self.all.iter().map(|one| self.rank(one)).collect();
        let order = self.graph().sorted(&ranks);
        let mut all: Vec<Option<Vec<String>>> =
            self.all.into_iter().map(|one| Some(one.statements)).collect();
        order.into_iter().filter_map(|at| all.get_mut(at)?.take()).collect()
    }

    fn rank(&self, operation: &Operation) -> (Step, usize, Option<Identity>) {
        let identity = operation.identity.clone();
        let place = match &identity {
            None => KINDS.iter().position(|kind| *kind == Kind::Function).unwrap_or_default(),
            Some(identity) if identity.kind == Kind::Constraint && self.is_foreign(identity) => {
                KINDS.len()
            }
            Some(identity) => {
                KINDS.iter().position(|kind| *kind == identity.kind).unwrap_or(KINDS.len())
            }
        };
        let place = if operation.step == Step::Drop { KINDS.len() + 1 - place } else { place };
        (operation.step, place, identity)
    }

    fn is_foreign(&self, constraint: &Identity) -> bool {
        let sides = [&self.plan.from, &self.plan.to];
        let mut definitions =
            sides.iter().filter_map(|side| side.facts.get(constraint)?.get("definition"));
        definitions.any(|definition| definition.starts_with("FOREIGN KEY"))
    }

    fn graph(&self) -> Graph {
        let index: BTreeMap<(Step, Option<&Identity>), usize> = self
            .all
            .iter()
            .zip(0..)
            .map(|(one, at)| ((one.step, one.identity.as_ref()), at))
            .collect();
        let mut edges = Edges { plan: self.plan, index, graph: Graph::default() };
        edges.drops();
        edges.makes();
        edges.names();
        edges.rows();
        edges.last(&self.all);
        edges.graph
    }
}

/// The order in which properties change: a type before its default, an identity goes before NOT NULL
/// does and comes after it.
fn turn(difference: &Difference) -> u8 {
    let What::Changed { property, after, .. } = &difference.what else { return 0 };
    match (property.as_str(), after) {
        ("name", _) => 9,
        ("owner", _) => 7,
        ("acl", _) => 8,
        ("generated", _) => 1,
        ("identity", None) => 2,
        ("default", None) => 3,
        ("not null", _) => 4,
        ("default" | "identity", Some(_)) => 5,
        _ => 6,
    }
}

fn drop_step(identity: &Identity) -> Step {
    match identity.kind {
        Kind::DefaultPrivileges => Step::Finish,
        _ => Step::Drop,
    }
}

/// The order in which things are made where nothing else decides; rows come before functions.
const KINDS: [Kind; 19] = [
    Kind::Schema,
    Kind::Extension,
    Kind::Enum,
    Kind::Type,
    Kind::Domain,
    Kind::Sequence,
    Kind::Table,
    Kind::Column,
    Kind::Function,
    Kind::Procedure,
    Kind::View,
    Kind::MaterializedView,
    Kind::Index,
    Kind::Constraint,
    Kind::Statistics,
    Kind::Rule,
    Kind::Trigger,
    Kind::Policy,
    Kind::Publication,
];

struct Edges<'g, 'a> {
    plan: &'g Plan<'a>,
    index: BTreeMap<(Step, Option<&'g Identity>), usize>,
    graph: Graph,
}

impl<'g> Edges<'g, '_> {
    fn at(&self, step: Step, identity: &'g Identity) -> Option<usize> {
        self.index.get(&(step, Some(identity))).copied()
    }

    /// The operation on an object or on what it is a part of.
    fn with_wholes(&self, step: Step, facts: &'g Facts, identity: &'g Identity) -> Option<usize> {
        self.at(step, identity).or_else(|| {
            let whole = facts.get(identity)?.whole.as_ref()?;
            self.with_wholes(step, facts, whole)
        })
    }

    /// What changes or makes an object: a table's columns too.
    fn makes_of(&self, side: &'g Side<'g>, identity: &'g Identity) -> Vec<usize> {
        let columns = match identity.kind {
            Kind::Table => side.parts(identity),
            _ => &[],
        };
        let columns = columns.iter().filter(|(part, _)| part.kind == Kind::Column);
        let columns = columns.filter_map(|(column, _)| self.at(Step::Make, column));
        self.with_wholes(Step::Make, side.facts, identity).into_iter().chain(columns).collect()
    }

    fn drops(&mut self) {
        let from = &self.plan.from;
        for (one, other) in from.mentions.pairs() {
            let first = self.with_wholes(Step::Drop, from.facts, one);
            let (changed, second) =
                (self.at(Step::Make, one), self.with_wholes(Step::Drop, from.facts, other));
            if let (Some(first), Some(second)) = (first, second) {
                self.graph.edge(first, second);
            }
            // what stays has to let go of what goes for good
            let for_good = self.at(Step::Make, other).is_none();
            if let (Some(changed), Some(second), true, None) = (changed, second, for_good, first) {
                self.graph.edge(changed, second);
            }
            let Some(first) = first else { continue };
            if one.kind == Kind::Column {
                // what is inherited goes when the table no longer inherits
                let own = self.at(Step::Drop, one);
                if let (Some(table), Some(own)) = (self.at(Step::Make, other), own) {
                    self.graph.edge(table, own);
                }
            } else {
                for made in self.makes_of(from, other) {
                    self.graph.edge(first, made);
                }
            }
        }
    }

    fn makes(&mut self) {
        let to = &self.plan.to;
        for (one, other) in to.mentions.pairs() {
            let Some(made) = self.with_wholes(Step::Make, to.facts, one) else { continue };
            if one.kind == Kind::Column {
                let first = self.with_wholes(Step::Make, to.facts, other);
                let whole = to.facts.get(one).and_then(|object| object.whole.as_ref());
                match first {
                    // a table that comes to inherit has its parent's columns already
                    Some(table) if whole == Some(other) => self.graph.edge(made, table),
                    Some(first) => self.graph.edge(first, made),
                    None => {}
                }
                continue;
            }
            for first in self.makes_of(to, other) {
                self.graph.edge(first, made);
            }
        }
    }

    /// A name is free before it is taken.
    fn names(&mut self) {
        let mut taken: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for ((step, identity), at) in &self.index {
            if let (Step::Drop, Some(identity)) = (step, identity) {
                taken.entry(&identity.name).or_default().push(*at);
            }
        }
        for ((step, identity), second) in &self.index {
            if let (Step::Make, Some(identity)) = (step, identity) {
                let before = taken.get(identity.name.as_str()).into_iter().flatten();
                before.for_each(|first| self.graph.edge(*first, *second));
            }
        }
    }

    /// Rows come when the columns are as they will be, and before what watches over them.
    fn rows(&mut self) {
        let Some(rows) = self.index.get(&(Step::Make, None)).copied() else { return };
        for ((step, identity), at) in &self.index {
            let Some(identity) = identity else { continue };
            match (step, identity.kind) {
                (Step::Drop, Kind::Constraint | Kind::Index | Kind::Trigger)
                | (
                    Step::Make,
                    Kind::Table | Kind::Column | Kind::Enum | Kind::Type | Kind::Domain,
                ) => {
                    self.graph.edge(*at, rows);
                }
                (Step::Make, Kind::Constraint | Kind::Index | Kind::Trigger) => {
                    self.graph.edge(rows, *at);
                }
                _ => {}
            }
        }
    }

    fn last(&mut self, all: &[Operation]) {
        let (last, others): (Vec<_>, Vec<_>) =
            (0..all.len()).partition(|at| all[*at].step == Step::Finish);
        for one in last {
            others.iter().for_each(|other| self.graph.edge(*other, one));
        }
    }
}
