//! Chooses the files of a run. Nothing here reads a file.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::find::{Suite, TestFile};
use super::state::key;

/// The choice of a user.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Parts of paths. A file runs if its path has one of them. Without any, all files run.
    pub filters: Vec<OsString>,
    /// Only the files with these keys.
    pub only: Option<HashSet<String>>,
    /// The number that decides the order.
    pub shuffle: Option<u64>,
    /// A part of the files.
    pub shard: Option<Shard>,
}

/// One of several parts of the same size, of which each file belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// The number of the part, from 1.
    pub number: usize,
    /// The number of parts.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// Parses `2/3`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            Some(Self { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        let is_one = |shard: &Self| (1..=shard.of).contains(&shard.number);
        parsed.filter(is_one).ok_or_else(|| "write I/N, where I is from 1 to N: 2/3".to_owned())
    }
}

/// The files to run, in their order, and the filters that no file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The files.
    pub files: Vec<TestFile>,
    /// The filters without a file.
    pub unmatched: Vec<OsString>,
}

/// Chooses from the files of a suite, of a project in `root`. The parts of all shards together are
/// all files, whatever their order is.
pub fn select(suite: &Suite, choice: &Choice, root: &Path) -> Selection {
    let filters = choice.filters.iter().map(|filter| (filter, plain(filter, root)));
    let filters: Vec<_> = filters.collect();
    let has = |file: &TestFile, filter: &[u8]| contains(bytes(&file.name), filter);
    let is_chosen = |file: &&TestFile| {
        let by_name = filters.is_empty() || filters.iter().any(|(_, filter)| has(file, filter));
        by_name && choice.only.as_ref().is_none_or(|only| only.contains(&key(&file.name)))
    };
    let mut files: Vec<TestFile> = suite.files.iter().filter(is_chosen).cloned().collect();
    if let Some(Shard { number, of }) = choice.shard {
        files = files.into_iter().skip(number - 1).step_by(of).collect();
    }
    if let Some(seed) = choice.shuffle {
        shuffle(&mut files, seed);
    }
    let is_unmatched = |filter: &[u8]| !suite.files.iter().any(|file| has(file, filter));
    let unmatched = filters.iter().filter(|(_, filter)| is_unmatched(filter));
    let unmatched = unmatched.map(|(given, _)| (*given).clone()).collect();
    Selection { files, unmatched }
}

/// The file that has the filter in its path and does not run, because another one includes it.
pub fn included<'a>(
    suite: &'a Suite,
    filter: &OsString,
    root: &Path,
) -> Option<&'a (TestFile, PathBuf)> {
    let filter = plain(filter, root);
    suite.included.iter().find(|(file, _)| contains(bytes(&file.name), &filter))
}

/// The filter as a part of a path relative to the project's directory.
fn plain(filter: &OsString, root: &Path) -> Vec<u8> {
    let below = Path::new(filter).strip_prefix(root).map(bytes);
    let filter = below.unwrap_or_else(|_| filter.as_encoded_bytes());
    filter.strip_prefix(b"./").unwrap_or(filter).to_owned()
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// Puts the files in an order that only the seed decides (Fisher and Yates).
fn shuffle<T>(files: &mut [T], mut seed: u64) {
    for last in (1..files.len()).rev() {
        let below = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
        let other = usize::try_from(next(&mut seed) % below).unwrap_or_default();
        files.swap(last, other);
    }
}

/// `SplitMix64`: the same numbers in each release and on each machine.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(names: &[&str]) -> Suite {
        let file = |name: &&str| TestFile { path: Path::new("/p").join(name), name: name.into() };
        Suite { files: names.iter().map(file).collect(), included: Vec::new() }
    }

    fn names(suite: &Suite, choice: &Choice) -> Vec<String> {
        let selection = select(suite, choice, Path::new("/p"));
        selection.files.iter().map(|file| file.name.display().to_string()).collect()
    }

    const FILES: [&str; 4] =
        ["db/test/a.sql", "db/test/b.sql", "db/test/in/a.sql", "db/test/z.sql"];

    #[test]
    fn a_filter_is_a_part_of_a_path() {
        let suite = suite(&FILES);
        for (filter, expected) in [
            ("a.sql", &["db/test/a.sql", "db/test/in/a.sql"][..]),
            ("in/", &["db/test/in/a.sql"]),
            ("./db/test/b.sql", &["db/test/b.sql"]),
            ("/p/db/test/in", &["db/test/in/a.sql"]),
            ("gone", &[]),
        ] {
            let choice = Choice { filters: vec![filter.into()], ..Choice::default() };
            assert_eq!(names(&suite, &choice), expected, "{filter}");
        }
        let filters = vec!["z".into(), "gone".into()];
        let choice = Choice { filters, ..Choice::default() };
        let selection = select(&suite, &choice, Path::new("/p"));
        assert_eq!((selection.files.len(), selection.unmatched), (1, vec!["gone".into()]));
    }

    #[test]
    fn shards_are_a_partition_in_every_order() {
        let all: Vec<String> = (0..23).map(|number| format!("t{number:02}.sql")).collect();
        let suite = suite(&all.iter().map(String::as_str).collect::<Vec<_>>());
        for of in 1..30 {
            let mut found = Vec::new();
            for number in 1..=of {
                let shard = Some(Shard { number, of });
                let part = Choice { shard, shuffle: Some(number as u64), ..Choice::default() };
                let part = names(&suite, &part);
                assert!(part.len().abs_diff(23 / of) <= 1, "{number}/{of}: {part:?}");
                found.extend(part);
            }
            found.sort();
            assert_eq!(found, all, "{of}");
        }
        let parsed: Vec<bool> = ["1/1", "2/3", "0/1", "4/3", "1", "a/b", "1/0"]
            .map(|t| t.parse::<Shard>().is_ok())
            .into();
        assert_eq!(parsed, [true, true, false, false, false, false, false]);
    }

    #[test]
    fn a_seed_decides_the_order() {
        let order = |seed| {
            let mut numbers: Vec<u32> = (0..8).collect();
            shuffle(&mut numbers, seed);
            numbers
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        // pinned: a seed in a bug report must mean the same in every release
        assert_eq!(order(7), [1, 4, 5, 2, 6, 0, 3, 7]);
    }

    #[test]
    fn only_the_files_of_a_list_run() {
        let only = Some(HashSet::from(["db/test/z.sql".to_owned(), "gone.sql".to_owned()]));
        let choice = Choice { only, ..Choice::default() };
        assert_eq!(names(&suite(&FILES), &choice), ["db/test/z.sql"]);
    }
}
