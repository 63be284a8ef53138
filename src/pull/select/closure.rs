//! The closure: the selected rows and all rows to which they refer.
//!
//! A table that the user named is pulled completely, unless the user restricted its rows. Of any
//! other table that foreign keys reach, the pull takes the referenced rows only. The server finds
//! them, in the query for each table (`sql/query/pull/closure.sql`); nothing is held in memory
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choice::{Choice, choice, is_restricted};
use super::links::{ForeignKey, Links, Relation};
use super::table::{Closure, Table};
use crate::pull::PullOptions;
use crate::pull::template::fill;

impl Links {
    /// Copies the keys of partitioned tables to their partitions, because a partition can be pulled
    /// alone.
    pub(in crate::pull) fn new(
        relations: BTreeMap<u32, Relation>,
        mut keys: Vec<ForeignKey>,
        named: BTreeSet<u32>,
    ) -> Self {
        let parts = |key: &ForeignKey| {
            let parts = relations.iter().filter(|(_, part)| part.parents.contains(&key.referring));
            let key = |oid: &u32| ForeignKey { referring: *oid, from_parent: true, ..key.clone() };
            parts.map(|(oid, _)| key(oid)).collect::<Vec<_>>()
        };
        keys.extend(keys.iter().flat_map(parts).collect::<Vec<_>>());
        Self { relations, keys, named }
    }

    /// The tables that provide rows: those that the user named, and those that foreign keys reach
    /// from them. Calls `may_come` for each of the latter.
    pub(in crate::pull) fn reached(&self, may_come: impl Fn(&ForeignKey) -> bool) -> BTreeSet<u32> {
        let mut reached = self.named.clone();
        let mut refused = BTreeSet::new();
        loop {
            let is_open = |key: &&ForeignKey| {
                self.container(key.referring, &reached).is_some()
                    && self.container(key.referred, &reached).is_none()
                    && self.relations.contains_key(&key.referred)
                    && !refused.contains(&key.referred)
            };
            let Some(key) = self.keys.iter().find(is_open) else { break };
            if may_come(key) {
                reached.insert(key.referred);
            } else {
                refused.insert(key.referred);
            }
        }
        let all = reached.clone();
        reached.retain(|oid| self.container(*oid, &all) == Some(*oid));
        reached
    }

    /// The table in `tables` whose query also reads the rows of relation `oid`: its topmost parent
    /// there.
    fn container(&self, oid: u32, tables: &BTreeSet<u32>) -> Option<u32> {
        let depth = |oid: &u32| self.relations.get(oid).map_or(0, |one| one.parents.len());
        let parents = self.relations.get(&oid).map_or(&[][..], |relation| &relation.parents);
        let all = parents.iter().copied().chain([oid]).filter(|parent| tables.contains(parent));
        all.min_by_key(depth)
    }

    fn rows(&self, oid: u32) -> &str {
        self.relations.get(&oid).map_or("", |relation| &relation.rows)
    }

    fn leaves(&self, oid: u32) -> String {
        let leaves = self.relations.get(&oid).map_or(&[][..], |relation| &relation.leaves);
        leaves.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    }
}

/// Gives each table the closure over all tables, after all are known.
pub(in crate::pull) fn bind(tables: &mut [Table], links: Links) {
    let closure = Arc::new(Closure { links, tables: tables.to_vec() });
    tables.iter_mut().for_each(|table| table.closure = Some(Arc::clone(&closure)));
}

/// Checks whether only a part of a table's rows is pulled.
pub(in crate::pull) fn is_partial(table: &Table, options: &PullOptions) -> bool {
    table.closure.as_ref().is_some_and(|closure| closure.is_partial(table, options))
}

/// The condition for the rows of a table. `None` if only the user's own choice restricts them.
pub(in crate::pull) fn condition(table: &Table, options: &PullOptions) -> Option<String> {
    let closure = table.closure.as_ref().filter(|closure| closure.is_partial(table, options))?;
    closure.condition(table, options)
}

impl Closure {
    fn is_partial(&self, table: &Table, options: &PullOptions) -> bool {
        !self.links.named.contains(&table.oid) || is_restricted(table, options)
    }

    fn condition(&self, table: &Table, options: &PullOptions) -> Option<String> {
        let pulled: BTreeSet<u32> = self.tables.iter().map(|table| table.oid).collect();
        let partial = self.tables.iter().filter(|table| self.is_partial(table, options));
        let partial: BTreeSet<u32> = partial.map(|table| table.oid).collect();
        let ends = |key: &ForeignKey| {
            let from = self.links.container(key.referring, &pulled)?;
            Some((from, self.links.container(key.referred, &pulled)?))
        };
        let counts = |key: &&ForeignKey| !key.from_parent || pulled.contains(&key.referring);
        let keys = self.links.keys.iter().filter(counts);
        let keys: Vec<_> = keys.filter_map(|key| Some((ends(key)?, key))).collect();
        // tables that refer to this one, directly or through others, and are themselves pulled in
        // part
        let mut needed = BTreeSet::from([table.oid]);
        while let Some(((from, _), _)) = keys.iter().find(|((from, to), _)| {
            needed.contains(to) && partial.contains(from) && !needed.contains(from)
        }) {
            needed.insert(*from);
        }
        let chosen = needed.iter().flat_map(|oid| self.chosen(*oid, &pulled, options));
        let mut first: Vec<String> = chosen.collect();
        let mut steps = Vec::new();
        for ((from, _), key) in keys.iter().filter(|((_, to), _)| needed.contains(to)) {
            if partial.contains(from) {
                steps.push(self.links.step(key));
            } else {
                first.push(self.links.all_referenced(key));
            }
        }
        let is_alone = steps.is_empty() && first.len() == 1;
        let is_chosen = is_alone && is_restricted(table, options);
        (!is_chosen).then(|| self.links.closed(table.oid, &first, &steps))
    }

    /// The queries for rows that the user asked for, of a table that is pulled in part.
    fn chosen(&self, oid: u32, pulled: &BTreeSet<u32>, options: &PullOptions) -> Vec<String> {
        let template = sql!("pull/closure-chosen");
        let select = |rows: &str, condition: &str, limit: &str| {
            fill(template, &[("@table@", rows), ("@where@", condition), ("@limit@", limit)])
        };
        let table = self.tables.iter().find(|table| table.oid == oid);
        let restricted = table.filter(|table| is_restricted(table, options));
        let own = restricted.map(|table| {
            let Choice { condition, order, limit } = choice(table, options);
            let limit = limit.map(|limit| format!(" ORDER BY {order}{limit}"));
            select(&table.rows(), &condition, &limit.unwrap_or_default())
        });
        let parts = self
            .links
            .named
            .iter()
            .filter(|part| **part != oid && self.links.container(**part, pulled) == Some(oid));
        own.into_iter().chain(parts.map(|part| select(self.links.rows(*part), "", ""))).collect()
    }
}

impl Links {
    fn all_referenced(&self, key: &ForeignKey) -> String {
        self.fill(sql!("pull/closure-whole"), key)
    }

    fn step(&self, key: &ForeignKey) -> String {
        self.fill(sql!("pull/closure-step"), key)
    }

    fn fill(&self, template: &str, key: &ForeignKey) -> String {
        let values = [
            ("@referring@", self.rows(key.referring)),
            ("@referred@", self.rows(key.referred)),
            ("@matches@", &key.matches),
            ("@leaves@", &self.leaves(key.referring)),
        ];
        fill(template, &values)
    }

    fn closed(&self, oid: u32, first: &[String], steps: &[String]) -> String {
        let chosen = sql!("pull/closure-chosen");
        let none = [("@table@", self.rows(oid)), ("@where@", " WHERE false"), ("@limit@", "")];
        let all = |selects: &[String]| match selects {
            [] => fill(chosen, &none),
            all => all.join("\n    UNION ALL "),
        };
        let values = [
            ("@first@", &*all(first)),
            ("@steps@", &*all(steps)),
            ("@leaves@", &*self.leaves(oid)),
        ];
        fill(sql!("pull/closure"), &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 1 has the partitions 2 and 3.
    fn links(keys: &[(u32, u32)], named: &[u32]) -> Links {
        let relation = |oid: u32| {
            let parents = if matches!(oid, 2 | 3) { vec![1] } else { Vec::new() };
            let leaves = if oid == 1 { vec![2, 3] } else { vec![oid] };
            (oid, Relation { rows: format!("table{oid}"), parents, leaves })
        };
        let key = |(referring, referred): &(u32, u32)| ForeignKey {
            referring: *referring,
            referred: *referred,
            columns: Vec::new(),
            referred_columns: Vec::new(),
            matches: format!("{referring}>{referred}"),
            from_parent: false,
        };
        let keys = keys.iter().map(key).collect();
        Links::new((1..=9).map(relation).collect(), keys, named.iter().copied().collect())
    }

    fn reached(keys: &[(u32, u32)], named: &[u32]) -> Vec<u32> {
        links(keys, named).reached(|key| key.referred != 9).into_iter().collect()
    }

    #[test]
    fn references_are_followed_round_in_circles() {
        assert_eq!(reached(&[(4, 5), (5, 6), (6, 4), (7, 8), (6, 6)], &[4]), [4, 5, 6]);
        assert_eq!(reached(&[(4, 9), (9, 5)], &[4]), [4], "what may not come leads nowhere");
    }

    #[test]
    fn parts_are_read_with_their_table() {
        assert_eq!(reached(&[(4, 2)], &[4]), [2, 4], "one part is enough");
        assert_eq!(reached(&[(4, 2), (2, 5), (5, 1)], &[4]), [1, 4, 5]);
        assert_eq!(reached(&[(3, 5)], &[1]), [1, 5], "a key of a part counts");
        assert_eq!(reached(&[(1, 5)], &[3]), [3, 5], "and for a part those of the table");
    }

    #[test]
    fn steps_are_gated_by_where_rows_are() {
        let links = links(&[(1, 5)], &[1]);
        let step = links.step(&links.keys[0]);
        assert!(step.contains("FROM table1 r JOIN table5 f ON 1>5"), "{step}");
        assert!(step.contains("'{2,3}'"), "{step}");
        let closed = links.closed(5, &[], &[step]);
        assert!(closed.contains("FROM table5 t WHERE false") && closed.contains("'{5}'"));
    }
}
