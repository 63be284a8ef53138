//! The order of the objects before the rows.
//!
//! An object stays behind every object that it mentions and that the dump makes before it. Objects
//! of kinds that others can use without their names, such as operators and casts, stay where they
//! are: nothing moves across them. As far as this allows, the objects of a file stand together.

use std::collections::{BTreeSet, HashMap};

use super::Unit;
use super::mention::{self, Name};

/// Sorts the units.
pub(super) fn sorted(units: Vec<Unit<'_>>) -> Vec<Unit<'_>> {
    let mut sorted = Vec::with_capacity(units.len());
    let mut waiting = Vec::new();
    for unit in units {
        if unit.kind.rank.is_some() {
            waiting.push(unit);
            continue;
        }
        sorted.extend(together(std::mem::take(&mut waiting)));
        sorted.push(unit);
    }
    sorted.extend(together(waiting));
    sorted
}

/// The place of a unit among those that are ready: its rank, its schema, its number.
type Place<'a> = (Option<u8>, Option<&'a str>, usize);

fn together(units: Vec<Unit<'_>>) -> Vec<Unit<'_>> {
    let (followers, mut missing) = edges(&units);
    let place = |at: usize| -> Place<'_> {
        let unit = &units[at];
        (unit.kind.rank, unit.schema, at)
    };
    let mut ready: BTreeSet<Place<'_>> =
        (0..units.len()).filter(|at| missing[*at] == 0).map(place).collect();
    let mut order = Vec::with_capacity(units.len());
    let mut current = (None, None);
    while let Some(first) = ready.first().copied() {
        let same = ready.range((current.0, current.1, 0)..).next().copied();
        let same = same.filter(|(rank, schema, _)| (*rank, *schema) == current);
        let next = same.unwrap_or(first);
        ready.remove(&next);
        current = (next.0, next.1);
        order.push(next.2);
        for follower in &followers[next.2] {
            missing[*follower] -= 1;
            if missing[*follower] == 0 {
                ready.insert(place(*follower));
            }
        }
    }
    let mut units: Vec<Option<Unit<'_>>> = units.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| units[at].take()).collect()
}

/// For each unit, the later ones that mention it, and the number of earlier ones that it mentions.
fn edges(units: &[Unit<'_>]) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut makers: HashMap<Name, Vec<usize>> = HashMap::new();
    let mut followers = vec![Vec::new(); units.len()];
    let mut missing = vec![0; units.len()];
    for (at, unit) in units.iter().enumerate() {
        let mut needed = BTreeSet::new();
        for entry in &unit.entries {
            for name in mention::names(&entry.text()) {
                needed.extend(makers.get(&name).into_iter().flatten().copied());
            }
        }
        missing[at] = needed.len();
        needed.into_iter().for_each(|maker| followers[maker].push(at));
        if let (true, Some(schema), Some(entry)) =
            (unit.kind.has_name, unit.schema, unit.entries.first())
        {
            let name = mention::bare(&entry.name, unit.kind.file == "functions");
            makers.entry((schema.to_owned(), name)).or_default().push(at);
        }
    }
    (followers, missing)
}
