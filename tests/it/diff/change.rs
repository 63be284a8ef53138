//! `changes.sql`: changes to the database of `rich.sql`, and the differences that diff reports.
//!
//! A section opens with `-- change: NAME`. The `-- differs:` lines after it are the expected
//! differences, and `-- differs: nothing` expects none. `-- since 18:` lines hold from that release
//! on, `-- until 17:` lines up to that release. A comparison takes a second, so one comparison
//! covers a group of sections: the first group, unless `-- group: N` names another. In a group, no
//! section affects the differences of another. `-- needs: icu` leaves a section out if the server
//! was built without ICU.

use std::ops::RangeInclusive;

const CHANGES: &str = include_str!("../../fixture/facts/changes.sql");

/// A change to the database of `rich.sql`.
#[derive(Debug)]
pub struct Change {
    pub name: &'static str,
    /// The group of changes that one comparison covers.
    pub group: usize,
    /// Whether it takes a server with ICU.
    pub needs_icu: bool,
    /// The differences: `class ~ kind name property`, as [`super::support::schema`] has them, and
    /// `rows TABLE`; each with the releases that have it.
    differs: Vec<(RangeInclusive<u32>, &'static str)>,
    /// The SQL that makes the change.
    pub forth: &'static str,
    /// The SQL that undoes it.
    pub back: &'static str,
}

/// All changes, in the order of the file.
pub fn all() -> Vec<Change> {
    CHANGES.split("-- change: ").skip(1).map(read).collect()
}

fn read(section: &'static str) -> Change {
    let (name, rest) = section.split_once('\n').unwrap();
    let (forth, back) =
        rest.split_once("-- back\n").unwrap_or_else(|| panic!("{name}: no way back"));
    let marked = |mark| forth.lines().filter_map(move |line| line.strip_prefix(mark));
    let mut differs: Vec<_> = marked("-- differs: ").map(|line| (0..=u32::MAX, line)).collect();
    let release = |line: &'static str| {
        let (number, line) = line.split_once(": ").unwrap();
        (number.parse::<u32>().unwrap(), line)
    };
    differs.extend(marked("-- since ").map(release).map(|(first, line)| (first..=u32::MAX, line)));
    differs.extend(marked("-- until ").map(release).map(|(last, line)| (0..=last, line)));
    assert!(!differs.is_empty(), "{name}: nothing says what differs");
    differs.retain(|(_, line)| *line != "nothing");
    let group = marked("-- group: ").next().map_or(1, |number| number.parse().unwrap());
    let needs_icu = marked("-- needs: ").next() == Some("icu");
    Change { name, group, needs_icu, differs, forth, back }
}

impl Change {
    /// The differences that diff reports with this release.
    pub fn differs_in(&self, release: u32) -> impl Iterator<Item = &'static str> {
        self.differs
            .iter()
            .filter(move |(releases, _)| releases.contains(&release))
            .map(|(_, line)| *line)
    }

    /// The differences that diff reports with any release.
    pub fn differs(&self) -> impl Iterator<Item = &'static str> {
        self.differs.iter().map(|(_, line)| *line)
    }
}
