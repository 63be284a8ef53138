//! Turns a plan into operations with statements, and orders them.

use crate::compare::facts::property;
use std::collections::{BTreeMap, BTreeSet};

use super::along::rename;
use super::edges::Edges;
use super::name::called;
use super::plan::Plan;
use super::step::{Key, Step};
use super::{Undrafted, acl, alter, column, create, enums, inherited, native, rows, sequence};
use crate::compare::drift::Difference;
use crate::compare::facts::{Identity, Kind, Object, What};
use crate::compare::rows::TableDiff;

/// The statements in groups, and the differences without a statement.
type Sorted = (Vec<Vec<String>>, Vec<Undrafted>);

/// The operations of a plan. The statements of one operation stay together.
pub(super) struct Operations<'p, 'a> {
    plan: &'p Plan<'a>,
    all: BTreeMap<Key, Vec<String>>,
    left: Vec<Undrafted>,
}

impl<'p, 'a> Operations<'p, 'a> {
    pub(super) fn of(plan: &'p Plan<'a>, tables: &[TableDiff]) -> Self {
        let mut operations = Self { plan, all: BTreeMap::new(), left: Vec::new() };
        let gone = plan.dropped.iter().chain(&plan.rebuilt).chain(&plan.from.split);
        gone.for_each(|identity| operations.drop(identity));
        plan.made.iter().for_each(|identity| operations.make(identity));
        // a new table makes the index that another table had, too
        let rebuilt = plan.rebuilt.iter().map(|identity| plan.new_name(identity));
        rebuilt
            .filter(|identity| !plan.made.contains(identity))
            .for_each(|identity| operations.make(identity));
        plan.renewed.iter().for_each(|identity| operations.renew(identity));
        plan.to.split.iter().for_each(|part| operations.complete(part));
        let changed = plan.changes.keys().chain(&plan.retyped).chain(&plan.bare);
        let changed: BTreeSet<&Identity> = changed.collect();
        changed.into_iter().for_each(|identity| operations.change(identity));
        plan.to.facts.iter().for_each(|(identity, _)| operations.exchange(identity));
        let (statements, cut) = rows::statements(&plan.to, tables);
        operations.left.extend(cut);
        operations.push(Step::Make, None, statements);
        for (part, statements) in inherited::statements(plan) {
            operations.push(Step::Finish, Some(part), statements);
        }
        for (sequence, statements) in sequence::behind(plan, tables) {
            operations.push(Step::Finish, Some(&sequence), statements);
        }
        operations
    }

    fn push(&mut self, step: Step, identity: Option<&Identity>, statements: Vec<String>) {
        if !statements.is_empty() {
            self.all.entry((step, identity.cloned())).or_default().extend(statements);
        }
    }

    /// Checks whether the type that contains this part is made anew with all its declarations.
    fn is_renewed(&self, object: &Object) -> bool {
        object.container.as_ref().is_some_and(|container| self.plan.renewed.contains(container))
    }

    fn drop(&mut self, identity: &Identity) {
        let Some(object) = self.plan.from.facts.get(identity) else { return };
        if self.goes_with_its_schema(identity)
            || self.is_renewed(object)
            || self.goes_with_its_extension(object)
            || self.goes_with_its_type(identity)
        {
            return;
        }
        let is_default = identity.kind == Kind::Column
            && self.plan.from.split.contains(identity)
            && object.get(property::DEFAULT).is_some();
        let statements = match is_default {
            true => Some(vec![column::alter(identity, object, "DROP DEFAULT")]),
            false => alter::drop(&self.plan.from, identity, object),
        };
        match statements {
            Some(statements) => self.push(drop_step(identity), Some(identity), statements),
            None => self.left.push(format!("- {identity}")),
        }
    }

    /// Checks whether default privileges disappear with their schema.
    fn goes_with_its_schema(&self, identity: &Identity) -> bool {
        let schemas = self.plan.dropped.iter().filter(|other| other.kind == Kind::Schema);
        let mut places = schemas.map(|schema| format!(" in schema {} on ", schema.name));
        identity.kind == Kind::DefaultPrivileges
            && places.any(|place| identity.name.contains(&place))
    }

    /// Checks whether a function disappears with the type that needs it and that it needs.
    fn goes_with_its_type(&self, function: &Identity) -> bool {
        let from = &self.plan.from;
        let mut types = from.depends.on(function).filter(|of| native::is_io(from, of, function));
        types.any(|of| self.plan.dropped.contains(of))
    }

    /// Privileges on a member of an extension that is dropped.
    fn goes_with_its_extension(&self, object: &Object) -> bool {
        let extension = object.get(property::MEMBER_OF).map(str::to_owned);
        extension.is_some_and(|name| {
            self.plan.dropped.contains(&Identity { kind: Kind::Extension, name })
        })
    }

    fn make(&mut self, identity: &Identity) {
        let Some(object) = self.plan.to.facts.get(identity) else { return };
        // the attributes of a type and some checks of a domain are declared with it
        let is_declared =
            || identity.kind == Kind::Column || self.plan.to.is_inline(identity, object);
        if self.is_renewed(object) && is_declared() {
            return;
        }
        if let Some(statement) = native::begin(&self.plan.to, identity) {
            self.push(Step::Declare, Some(identity), vec![statement]);
        }
        let step = if is_last(identity.kind) { Step::Finish } else { Step::Make };
        match create::create(&self.plan.to, self.plan.from.facts, identity, object) {
            Some(statements) => self.push(step, Some(identity), statements),
            None => self.left.push(format!("+ {identity}")),
        }
        if identity.kind == Kind::Column {
            // revoking a privilege on the table revokes it on its columns, too
            let privileges = acl::begin(self.plan.from.facts, identity, object);
            self.push(Step::Finish, Some(identity), privileges.unwrap_or_default());
        }
        if identity.kind == Kind::Sequence && object.get(property::OWNED_BY).is_some() {
            let nothing = Object::default();
            let owned =
                alter::property(&self.plan.to, identity, &nothing, object, property::OWNED_BY);
            self.push(Step::Finish, Some(identity), owned.unwrap_or_default());
        }
    }

    /// Completes a part that was split off the statement that makes its table: a default, or the
    /// column itself.
    fn complete(&mut self, part: &Identity) {
        let Some(object) = self.plan.to.facts.get(part) else { return };
        match object.get(property::DEFAULT) {
            _ if part.kind != Kind::Column => {}
            Some(default) => {
                let what = format!("SET DEFAULT {default}");
                self.push(Step::Make, Some(part), vec![column::alter(part, object, &what)]);
            }
            None => self.push(Step::Make, Some(part), column::add(&self.plan.to, part, object)),
        }
    }

    /// Makes an identity column anew whose sequence has another name.
    fn exchange(&mut self, column: &Identity) {
        let plan = self.plan;
        if column.kind != Kind::Column || !sequence::is_exchanged(plan, column) || plan.goes(column)
        {
            return;
        }
        let (Some(before), Some(after)) = plan.both(column) else { return };
        let new = column::change(&plan.to, column, &Object::default(), after, property::IDENTITY);
        self.push(Step::Drop, Some(column), vec![column::alter(column, before, "DROP IDENTITY")]);
        self.push(Step::Make, Some(column), new.unwrap_or_default());
    }

    /// Renames the old type, makes the new one, and drops the old one after all columns are
    /// converted.
    fn renew(&mut self, identity: &Identity) {
        let (qualified, own) = enums::old_name(identity);
        let noun = if identity.kind == Kind::Collation { "COLLATION" } else { "TYPE" };
        let aside = format!("ALTER {noun} {} RENAME TO {own};", identity.name);
        self.push(Step::Drop, Some(identity), vec![aside]);
        self.make(identity);
        for (part, object) in self.plan.to.parts(identity) {
            if part.kind == Kind::Constraint && !self.plan.to.is_inline(part, object) {
                self.make(part);
            }
        }
        self.push(Step::Finish, Some(identity), vec![format!("DROP {noun} {qualified};")]);
    }

    fn change(&mut self, identity: &Identity) {
        let plan = self.plan;
        let (Some(before), Some(after)) = plan.both(identity) else { return };
        // its container, or the parent's column, makes it
        let comes_anew = plan.from.comes_along(identity, before)
            && (before.container != after.container
                || identity.kind == Kind::Column && plan.goes(identity));
        let is_anew = [&plan.rebuilt, &plan.renewed, &plan.dropped, &plan.made];
        let with_container =
            after.container.as_ref().is_some_and(|container| plan.rebuilt.contains(container));
        if is_anew.iter().any(|those| those.contains(identity))
            || comes_anew
            || with_container
            || self.is_renewed(after)
        {
            return;
        }
        let mut statements = Vec::new();
        let retyped = plan.retyped.contains(identity);
        if retyped && !plan.from.comes_along(identity, before) {
            statements = column::retype(identity, before, after);
        }
        if plan.bare.contains(identity) {
            self.bare(identity, before);
            if !retyped && after.get(property::DEFAULT).is_some() {
                let set = alter::property(&plan.to, identity, before, after, property::DEFAULT);
                statements.extend(set.into_iter().flatten());
            }
        }
        let mut changes: Vec<&Difference> =
            plan.changes.get(identity).into_iter().flatten().collect();
        changes.sort_by_key(|difference| turn(difference));
        for difference in changes {
            let What::Changed { property, .. } = &difference.what else { continue };
            let is_done = retyped
                && [property::TYPE, property::COLLATION, property::DEFAULT]
                    .contains(&property.as_str());
            if is_done || property == property::DEFAULT && plan.bare.contains(identity) {
                continue;
            }
            let Some(found) = self.changed(identity, property, [before, after]) else {
                self.left.push(format!("~ {identity}: {property}"));
                continue;
            };
            match step(identity, property, after) {
                Step::Make => {
                    for one in found {
                        if !statements.contains(&one) {
                            statements.push(one);
                        }
                    }
                }
                other => self.push(other, Some(identity), found),
            }
        }
        self.push(Step::Make, Some(identity), statements);
    }

    fn changed(
        &self,
        identity: &Identity,
        property: &str,
        [before, after]: [&Object; 2],
    ) -> Option<Vec<String>> {
        let new = self.plan.new_name(identity);
        match property {
            "name" => Some(vec![rename(identity, before, new, after)]),
            _ => alter::property(&self.plan.to, new, before, after, property),
        }
    }

    /// Drops a default, which is set again later.
    fn bare(&mut self, identity: &Identity, before: &Object) {
        let statement = match identity.kind {
            Kind::Column => column::alter(identity, before, "DROP DEFAULT"),
            _ => format!("ALTER {} DROP DEFAULT;", called(identity, before)),
        };
        self.push(Step::Drop, Some(identity), vec![statement]);
    }

    /// Orders the statements. On a cycle, returns a part that must be split off to break it.
    pub(super) fn sorted(self) -> Result<Sorted, Identity> {
        let keys: Vec<&Key> = self.all.keys().collect();
        let edges = Edges::of(self.plan, &keys);
        if let Some(part) = edges.knot() {
            return Err(part);
        }
        let mut ranks: Vec<_> = keys.iter().map(|key| self.rank(key)).collect();
        ranks.push((Step::Finish, 0, None));
        let order = edges.graph().sorted(&ranks);
        let mut all: Vec<Vec<String>> = self.all.into_values().collect();
        let groups = order.into_iter().filter_map(|at| Some(std::mem::take(all.get_mut(at)?)));
        Ok((groups.collect(), self.left))
    }

    fn rank(&self, (step, identity): &Key) -> (Step, usize, Option<Identity>) {
        let place = match identity {
            None => KINDS.iter().position(|kind| *kind == Kind::Function).unwrap_or_default(),
            Some(identity) if identity.kind == Kind::Constraint && self.is_foreign(identity) => {
                KINDS.len()
            }
            Some(identity) => {
                KINDS.iter().position(|kind| *kind == identity.kind).unwrap_or(KINDS.len())
            }
        };
        let place = if *step == Step::Drop { KINDS.len() + 1 - place } else { place };
        (*step, place, identity.clone())
    }

    fn is_foreign(&self, constraint: &Identity) -> bool {
        let sides = [&self.plan.from, &self.plan.to];
        let mut definitions =
            sides.iter().filter_map(|side| side.facts.get(constraint)?.get(property::DEFINITION));
        definitions.any(|definition| definition.starts_with("FOREIGN KEY"))
    }
}

/// The order in which the properties of an object change. The type changes before the default. An
/// identity is dropped before NOT NULL and added after it.
fn turn(difference: &Difference) -> u8 {
    let What::Changed { property, after, .. } = &difference.what else { return 0 };
    match (property.as_str(), after) {
        ("name", _) => 9,
        (property::OWNER, _) => 7,
        (property::ACL, _) => 8,
        (property::GENERATED, _) => 1,
        (property::IDENTITY, None) => 2,
        (property::DEFAULT, None) => 3,
        (property::NOT_NULL, _) => 4,
        (property::DEFAULT | property::IDENTITY, Some(_)) => 5,
        _ => 6,
    }
}

/// The step in which a property changes. A column loses an identity before the sequence is dropped.
/// Privileges on columns come last, because revoking privileges on the table revokes them.
fn step(identity: &Identity, property: &str, after: &Object) -> Step {
    match (identity.kind, property) {
        (Kind::DefaultPrivileges | Kind::Privileges, _)
        | (_, property::OWNED_BY)
        | (Kind::Column, property::ACL) => Step::Finish,
        (Kind::Column, property::IDENTITY) if after.get(property).is_none() => Step::Drop,
        _ => Step::Make,
    }
}

fn drop_step(identity: &Identity) -> Step {
    if is_last(identity.kind) { Step::Finish } else { Step::Drop }
}

/// Whether the draft sets objects of this kind last, because they refer to any other object.
fn is_last(kind: Kind) -> bool {
    matches!(kind, Kind::DefaultPrivileges | Kind::Privileges)
}

/// The order in which kinds of objects are made if dependencies do not decide; rows come before
/// functions.
const KINDS: [Kind; 40] = [
    Kind::Schema,
    Kind::Extension,
    Kind::Language,
    Kind::AccessMethod,
    Kind::ForeignDataWrapper,
    Kind::ForeignServer,
    Kind::UserMapping,
    Kind::Collation,
    Kind::TextSearchParser,
    Kind::TextSearchTemplate,
    Kind::TextSearchDictionary,
    Kind::TextSearchConfiguration,
    Kind::Enum,
    Kind::Type,
    Kind::Domain,
    Kind::Sequence,
    Kind::Table,
    Kind::ForeignTable,
    Kind::Column,
    Kind::Function,
    Kind::Procedure,
    Kind::Aggregate,
    Kind::Operator,
    Kind::OperatorFamily,
    Kind::OperatorClass,
    Kind::FamilyOperator,
    Kind::FamilyFunction,
    Kind::Cast,
    Kind::Transform,
    Kind::Conversion,
    Kind::View,
    Kind::MaterializedView,
    Kind::Index,
    Kind::Constraint,
    Kind::Statistics,
    Kind::Rule,
    Kind::Trigger,
    Kind::Policy,
    Kind::Publication,
    Kind::EventTrigger,
];
