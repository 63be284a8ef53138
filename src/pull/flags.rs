//! The flags of `pg_dump` in `STAGING_DUMP_FLAGS`.
//!
//! An option means the same as for `pg_dump`; if db-tool cannot do that, `pg_dump` does the pull.
//! Some options ask for something that a pull does anyway (`--no-owner`: a pull writes no owners).
//! db-tool accepts and ignores them.

mod known;

use crate::sys::error::{Error, Result};
use known::{Known, Treatment};

/// The SQL form of pulled rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Data of `COPY`.
    #[default]
    Copy,
    /// `INSERT` statements.
    Inserts,
}

/// The meaning of the flags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// The SQL form of rows, if a flag sets it.
    pub format: Option<Format>,
    /// The number of rows in each `INSERT`. `None` means one.
    pub rows_per_insert: Option<usize>,
    /// Loading leaves existing rows as they are.
    pub keep_existing: bool,
    /// Patterns of tables to add.
    pub include: Vec<String>,
    /// Patterns of tables to leave out.
    pub exclude: Vec<String>,
    /// The flags that only `pg_dump` can obey.
    pub unknown: Vec<String>,
    /// All flags, as the user wrote them.
    pub all: Vec<String>,
}

type Rest<'a> = std::slice::Iter<'a, String>;

impl Flags {
    /// Parses the flags like `pg_dump`, with two exceptions: abbreviated names and the name of a
    /// database are errors. db-tool must understand each flag exactly, because a flag may
    /// contradict other variables.
    ///
    /// # Errors
    /// `Conflict` for a flag that `pg_dump` does not have or that contradicts another variable, and
    /// for an option without its value.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut flags = Self { all: words.to_vec(), ..Self::default() };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let known = known::long(name).ok_or_else(|| unknown_name(name))?;
                flags.take(known, &format!("--{name}"), value, &mut rest)?;
            } else if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                flags.take_letters(letters, &mut rest)?;
            } else {
                return Err(Error::conflict(
                    "STAGING_DUMP_FLAGS has a word that is not an option; pg_dump would take it as a database",
                )
                .hint("STAGING_DB_URL names the database; write options only"));
            }
        }
        Ok(flags)
    }

    /// Parses grouped letters: `-aOx` means three options. An option with a value takes the rest of
    /// the word.
    fn take_letters(&mut self, letters: &str, rest: &mut Rest<'_>) -> Result<()> {
        for (at, letter) in letters.char_indices() {
            let known = known::short(letter).ok_or_else(|| {
                Error::conflict(format!(
                    "STAGING_DUMP_FLAGS has -{letter}, an option that pg_dump does not have"
                ))
                .hint("`pg_dump --help` lists its options")
            })?;
            let value = &letters[at + letter.len_utf8()..];
            let value = (known.takes_value && !value.is_empty()).then_some(value);
            self.take(known, &format!("-{letter}"), value, rest)?;
            if known.takes_value {
                break;
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        known: &Known,
        written: &str,
        value: Option<&str>,
        rest: &mut Rest<'_>,
    ) -> Result<()> {
        if known.treatment == Treatment::Refused {
            return Err(Error::conflict(format!("STAGING_DUMP_FLAGS has {written}")).hint(
                "STAGING_DB_URL says where the data is, STAGING_DUMP_TABLES which, PATCH_SQL where it goes",
            ));
        }
        if !known.takes_value && value.is_some() {
            return Err(Error::conflict(format!("{written} in STAGING_DUMP_FLAGS takes no value"))
                .hint(format!("write it alone: {written}")));
        }
        let value = match known.takes_value {
            true => {
                let value = value.or_else(|| rest.next().map(String::as_str));
                Some(value.filter(|value| !value.is_empty()).ok_or_else(|| {
                    Error::conflict(format!("{written} in STAGING_DUMP_FLAGS needs a value"))
                        .hint(format!("write it behind: {written} VALUE"))
                })?)
            }
            false => None,
        };
        match (known.treatment, value) {
            (Treatment::Obeyed, Some(value)) => self.set(known.name, value)?,
            (Treatment::Obeyed, None) => self.switch(known.name),
            (Treatment::PgDump, _) => self.unknown.push(written.to_owned()),
            (Treatment::Ignored | Treatment::Refused, _) => {}
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "table" => self.include.push(value.to_owned()),
            "format" if matches!(value, "p" | "plain") => {}
            "format" => {
                return Err(Error::conflict(format!(
                    "STAGING_DUMP_FLAGS asks for the format {value}"
                ))
                .hint("the patch file is SQL: remove the option"));
            }
            // pg_dump ignores these when tables are named (manual, "-t"), and a pull always names
            // tables
            "schema" | "exclude-schema" => {}
            "exclude-table" | "exclude-table-data" => self.exclude.push(value.to_owned()),
            _ => {
                let rows = value.parse().ok().filter(|rows| *rows > 0).ok_or_else(|| {
                    Error::conflict(format!("--rows-per-insert {value} is not a number of rows"))
                        .hint("write a number from 1 on")
                })?;
                self.rows_per_insert = Some(rows);
                self.format = Some(Format::Inserts);
            }
        }
        Ok(())
    }

    fn switch(&mut self, name: &str) {
        match name {
            "on-conflict-do-nothing" => self.keep_existing = true,
            _ => self.format = Some(Format::Inserts),
        }
    }
}

/// The error for a name that `pg_dump` does not have or reads as an abbreviation.
fn unknown_name(name: &str) -> Error {
    let meant: Vec<String> = known::beginning_with(name).iter().map(|n| format!("--{n}")).collect();
    match (name, meant.as_slice()) {
        ("", _) | (_, []) => Error::conflict(format!(
            "STAGING_DUMP_FLAGS has --{name}, an option that pg_dump does not have"
        ))
        .hint("`pg_dump --help` lists its options"),
        _ => Error::conflict(format!("STAGING_DUMP_FLAGS has the abbreviation --{name}"))
            .hint(format!("write the whole name: {}", meant.join(" or "))),
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
            "--fi=out",
            "--fil out",
            "--ho=other",
            "--dbn=x",
            "--u x",
            "--filter=x",
            "postgresql://other/x",
            "--data-only -- x",
            "-q",
            "--no-such-option",
            "--inserts=1",
            "-a x",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
