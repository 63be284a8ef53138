//! `changes.sql`: changes to the database of `rich.sql`, and what a comparison says of each.
//!
//! A section opens with `-- change: NAME`. `-- differs:` lines are what is said, `-- differs: nothing`
//! that there is nothing to say. A comparison takes a second, so sections are made at once in groups,
//! the first unless `-- group: N` names another: in a group no section disturbs what another shows.

const CHANGES: &str = include_str!("../../fixture/facts/changes.sql");

/// A change to the database of `rich.sql`.
#[derive(Debug)]
pub struct Change {
    pub name: &'static str,
    /// What is compared at once.
    pub group: usize,
    /// The differences: `class ~ kind name property`, as [`super::support::schema`] has them, and
    /// `rows TABLE`.
    pub differs: Vec<&'static str>,
    /// How it is made.
    pub forth: &'static str,
    /// How it is undone.
    pub back: &'static str,
}

/// All of them, in the order of the file.
pub fn all() -> Vec<Change> {
    CHANGES.split("-- change: ").skip(1).map(read).collect()
}

fn read(section: &'static str) -> Change {
    let (name, rest) = section.split_once('\n').unwrap();
    let (forth, back) =
        rest.split_once("-- back\n").unwrap_or_else(|| panic!("{name}: no way back"));
    let marked = |mark| forth.lines().filter_map(move |line| line.strip_prefix(mark));
    let mut differs: Vec<_> = marked("-- differs: ").collect();
    assert!(!differs.is_empty(), "{name}: nothing says what differs");
    differs.retain(|line| *line != "nothing");
    let group = marked("-- group: ").next().map_or(1, |number| number.parse().unwrap());
    Change { name, group, differs, forth, back }
}
