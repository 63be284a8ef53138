//! `pg_dump`'s flags, as far as a pull understands them.
//!
//! A flag means here what it means there, or it is not known: then the run is `pg_dump`'s. What is
//! known but needs nothing done (`--no-owner`: a pull writes no owners anyway) is taken and forgotten.

use crate::error::{Error, Result};

/// How rows are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As data of `COPY`.
    #[default]
    Copy,
    /// As `INSERT` statements.
    Inserts,
}

/// What the flags ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// How rows are written, when the flags say so.
    pub format: Option<Format>,
    /// How many rows an `INSERT` has; none: one.
    pub rows_per_insert: Option<usize>,
    /// Rows that are there stay as they are.
    pub keep_existing: bool,
    /// Patterns of tables to add.
    pub include: Vec<String>,
    /// Patterns of tables to leave out.
    pub exclude: Vec<String>,
    /// The flags that only `pg_dump` knows.
    pub unknown: Vec<String>,
    /// All, as they were given.
    pub all: Vec<String>,
}

/// Flags for what a pull does, or never does, anyway.
const MOOT: &[&str] = &[
    "-a",
    "--data-only",
    "-O",
    "--no-owner",
    "-x",
    "--no-privileges",
    "--no-acl",
    "--no-comments",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
    "--no-tablespaces",
    "--no-table-access-method",
    "--no-toast-compression",
    "--no-statistics",
    "--no-policies",
    "--quote-all-identifiers",
    "--strict-names",
    "--no-sync",
    "-v",
    "--verbose",
    "-B",
    "--no-blobs",
    "--no-large-objects",
    "--no-password",
    "-w",
    "--load-via-partition-root",
];

/// Flags for what `STAGING_DB_URL` and `PATCH_SQL` say.
const SETTLED: &[&str] = &[
    "-d",
    "--dbname",
    "-h",
    "--host",
    "-p",
    "--port",
    "-U",
    "--username",
    "-W",
    "--password",
    "-f",
    "--file",
];

/// Flags that take a value.
const VALUED: &[&str] = &[
    "-t",
    "--table",
    "-T",
    "--exclude-table",
    "--exclude-table-data",
    "--rows-per-insert",
    "-F",
    "--format",
    "-n",
    "--schema",
    "-N",
    "--exclude-schema",
];

impl Flags {
    /// Reads words as `pg_dump` would.
    ///
    /// # Errors
    /// `Conflict` for flags that contradict other variables, or have no value where one is needed.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut flags = Self { all: words.to_vec(), ..Self::default() };
        let words: Vec<String> = words.iter().flat_map(|word| apart(word)).collect();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let (name, value) = name_and_value(word);
            if SETTLED.contains(&name) {
                return Err(Error::conflict(format!("STAGING_DUMP_FLAGS has {name}"))
                    .hint("STAGING_DB_URL says where the data is, PATCH_SQL where it goes"));
            }
            if VALUED.contains(&name) {
                let value = value.or_else(|| rest.next().map(String::as_str));
                let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
                    Error::conflict(format!("{name} in STAGING_DUMP_FLAGS needs a value"))
                        .hint(format!("write it behind: {name} VALUE"))
                })?;
                flags.set(name, value)?;
            } else if !flags.switch(word) {
                flags.unknown.push(word.clone());
            }
        }
        Ok(flags)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "-t" | "--table" => self.include.push(value.to_owned()),
            "-F" | "--format" if matches!(value, "p" | "plain") => {}
            "-F" | "--format" => {
                return Err(Error::conflict(format!(
                    "STAGING_DUMP_FLAGS wants the format {value}"
                ))
                .hint("the patch is SQL: leave the format out"));
            }
            // beside names of tables these say nothing (pg_dump, "-t"), and there always are some
            "-n" | "--schema" | "-N" | "--exclude-schema" => {}
            "-T" | "--exclude-table" | "--exclude-table-data" => {
                self.exclude.push(value.to_owned())
            }
            _ => {
                let rows = value.parse().ok().filter(|rows| *rows > 0).ok_or_else(|| {
                    Error::conflict(format!("--rows-per-insert {value} is no number of rows"))
                        .hint("write a number from 1 on")
                })?;
                self.rows_per_insert = Some(rows);
                self.format = Some(Format::Inserts);
            }
        }
        Ok(())
    }

    /// Takes a flag without a value; false when it is not known.
    fn switch(&mut self, word: &str) -> bool {
        match word {
            "--inserts" | "--column-inserts" | "--attribute-inserts" => {
                self.format = Some(Format::Inserts);
            }
            "--on-conflict-do-nothing" => self.keep_existing = true,
            _ => return MOOT.contains(&word),
        }
        true
    }
}

/// `-aOx` is three flags; one that takes a value has the rest.
fn apart(word: &str) -> Vec<String> {
    let letters = match word.strip_prefix('-') {
        Some(letters) if !letters.is_empty() && !letters.starts_with('-') => letters,
        _ => return vec![word.to_owned()],
    };
    let mut flags = Vec::new();
    for (at, letter) in letters.char_indices() {
        let flag = format!("-{letter}");
        if VALUED.contains(&flag.as_str()) || SETTLED.contains(&flag.as_str()) {
            flags.push(format!("-{}", &letters[at..]));
            break;
        }
        flags.push(flag);
    }
    flags
}

/// `--name=value`, or `-xvalue` where `-x` takes one.
fn name_and_value(word: &str) -> (&str, Option<&str>) {
    if word.starts_with("--") {
        return word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    }
    match word.split_at_checked(2) {
        Some((name, value)) if VALUED.contains(&name) || SETTLED.contains(&name) => {
            (name, (!value.is_empty()).then_some(value))
        }
        _ => (word, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Flags> {
        Flags::parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn known_flags_are_taken() {
        let flags = parse(
            "-aO -xFp --column-inserts --on-conflict-do-nothing -T x* -vTy --schema=s \
             --exclude-table=z --rows-per-insert 7 -t more",
        )
        .expect("known");
        assert_eq!((flags.format, flags.rows_per_insert), (Some(Format::Inserts), Some(7)));
        assert!(flags.keep_existing && flags.unknown.is_empty());
        assert_eq!(
            (flags.exclude, flags.include),
            (["x*", "y", "z"].map(str::to_owned).to_vec(), vec!["more".to_owned()])
        );
    }

    #[test]
    fn what_only_pg_dump_knows_is_kept() {
        let flags =
            parse("--data-only --if-exists -Fp --schema-only -aC").expect("unknown is no error");
        assert_eq!(flags.unknown, ["--if-exists", "--schema-only", "-C"]);
        assert_eq!(flags.all.len(), 5, "as they were given");
    }

    #[test]
    fn what_other_variables_say_is_refused() {
        for words in [
            "-d x",
            "--dbname=x",
            "-f out",
            "-fout",
            "-T",
            "--rows-per-insert=0",
            "-Fc",
            "-ad",
            "-aFc",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
