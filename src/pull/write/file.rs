//! The patch file of a pull: written beside the one that is there, which it replaces at the end.
//!
//! Nothing in it depends on when or by whom it was pulled, so that the same rows are the same bytes.
//! It is a transaction of statements; what they do is in its head (`sql/query/pull/file-begin.sql`).

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::digester::Digester;
use crate::postgres::sql::quote::quote_literal;
use crate::pull::Wanted;
use crate::pull::flags::Format;
use crate::pull::load::receipt;
use crate::pull::load::receipt::{Contained, Sums};
use crate::pull::read::rows::{Amount, unwritable};
use crate::pull::select::table::Table;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::ActingAs;

/// What a pulled file begins with.
const FIRST_LINE: &str =
    "-- Rows from staging, written by `database pull_staging`: pull anew instead of editing.";

/// A file that is being written; nobody sees it before [`Self::publish`].
pub(in crate::pull) struct Draft {
    path: PathBuf,
    out: BufWriter<Digested>,
    /// How many bytes it has.
    pub(in crate::pull) length: u64,
}

/// A file with the digest of what was written into it.
struct Digested {
    file: NamedTempFile,
    digest: Digester,
}

impl Draft {
    /// Begins beside `path`; where that is a link, beside what it means.
    pub(in crate::pull) fn beside(path: &Path) -> Result<Self> {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = part(&path)?;
        Ok(Self::of(file, path))
    }

    /// Begins in `file`, which will be `path`.
    pub(in crate::pull) fn of(file: NamedTempFile, path: PathBuf) -> Self {
        let file = Digested { file, digest: Digester::start() };
        Self { path, out: BufWriter::with_capacity(1 << 18, file), length: 0 }
    }

    /// What it is called until it is published.
    pub(in crate::pull) fn name(&self) -> PathBuf {
        self.out.get_ref().file.path().file_name().unwrap_or_default().into()
    }

    /// Leaves what was flushed where it is.
    pub(in crate::pull) fn leave(self) {
        let (Digested { file, .. }, _) = self.out.into_parts();
        let _ = file.keep();
    }

    /// Puts the file in its place, on disk, with its digest and an account of its rows beside it. The
    /// digest is returned.
    pub(in crate::pull) fn publish(self, contents: &[&Contained]) -> Result<String> {
        let Self { path, out, .. } = self;
        let _acting = ActingAs::controller_of(&path)?;
        let Digested { file, digest } =
            out.into_inner().map_err(|error| unwritable(error.error()))?;
        if let Ok(old) = std::fs::metadata(&path) {
            file.as_file().set_permissions(old.permissions()).on("prepare", file.path())?;
        }
        file.as_file().sync_all().on("write", &path)?;
        let sums = Sums::of(digest.finish()?);
        sums.publish(&path, contents, || {
            file.persist(&path).map(drop).map_err(|error| error.error).on("replace", &path)
        })?;
        Ok(sums.0)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A file beside `path` that is gone when it is dropped.
pub(in crate::pull) fn part(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let _acting = ActingAs::controller_of(directory)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    Builder::new().prefix(&name).suffix(".part").tempfile_in(directory).on("write in", directory)
}

/// Appends what stands in `from` at these bytes.
pub(in crate::pull) fn append(out: &mut Draft, mut from: &File, bytes: Range<u64>) -> Result<()> {
    from.seek(SeekFrom::Start(bytes.start)).map_err(|error| unwritable(&error))?;
    let mut read = BufReader::with_capacity(1 << 18, from.take(bytes.end - bytes.start));
    std::io::copy(&mut read, out).map(drop).map_err(|error| unwritable(&error))
}

/// Whether a patch file has rows of staging: as a pull writes it, or with a digest beside it.
pub fn was_pulled(file: &Path) -> bool {
    let mut first = String::new();
    let read = crate::sys::process::open_regular(file).and_then(|file| {
        BufReader::new(file.take(FIRST_LINE.len() as u64)).read_to_string(&mut first)
    });
    read.is_ok() && first == FIRST_LINE || receipt::is_beside(file)
}

/// The head of the file, up to the first table.
pub(in crate::pull) fn head(tables: &[Table]) -> String {
    format!("{FIRST_LINE}\n\\set QUIET on\n{}{WRITING}", begin(tables))
}

/// Puts the search path of the role and the database in force, for what is called while rows are written.
pub(in crate::pull) const WRITING: &str = "SET LOCAL search_path TO DEFAULT;\n";

/// What comes before all tables; [`WRITING`] is to follow.
pub(in crate::pull) fn begin(tables: &[Table]) -> String {
    let immutable = tables.iter().any(|table| table.immutable);
    let mode = if immutable { "SET LOCAL hectic.migration_mode = 'on';\n" } else { "" };
    let procedures = sql!("pull/file-begin");
    let aside = sql!("pull/file-aside");
    format!("{procedures}\n{aside}\n{mode}CALL pg_temp.pull_begin({});\n", names(tables))
}

/// What stands before a table's rows.
pub(in crate::pull) fn open(table: &Table, format: Format) -> String {
    let copy = if format == Format::Copy { "COPY pg_temp.pulled FROM stdin;\n" } else { "" };
    format!("\n-- {}\n{}{copy}", one_line(&table.name), opening(table))
}

/// Makes what a table is copied into.
pub(in crate::pull) fn opening(table: &Table) -> String {
    format!("CALL pg_temp.pull_open({});\n", expected(table))
}

/// A table with its columns, as the procedures take them.
pub(in crate::pull) fn expected(table: &Table) -> String {
    let (columns, types) = (array(&table.columns), array(&table.types));
    format!("{}, {columns}, {types}", quote_literal(&table.name))
}

/// What stands behind a table's rows.
pub(in crate::pull) fn close(table: &Table, wanted: &Wanted, amount: Amount) -> String {
    let end = if wanted.format == Format::Copy { "\\.\n" } else { "" };
    format!("{end}{}", closing(table, wanted, amount))
}

/// Moves the rows into the table.
pub(in crate::pull) fn closing(table: &Table, wanted: &Wanted, amount: Amount) -> String {
    let (name, key) = (quote_literal(&table.name), array(&table.key));
    let (rows, keep) = (amount.rows, wanted.keep_existing);
    format!("CALL pg_temp.pull_close({name}, {key}, {rows}, {keep});\n")
}

/// The end of the file.
pub(in crate::pull) fn tail(tables: &[Table]) -> String {
    format!("\n{END}{}COMMIT;\n\\set QUIET off\n", sequences(tables))
}

/// What comes after all tables: brings back what was set aside, and compares.
pub(in crate::pull) const END: &str = "CALL pg_temp.pull_end();\n";

/// Sets the sequences. They are last: they would not go back with the transaction.
pub(in crate::pull) fn sequences(tables: &[Table]) -> String {
    let mut text = String::new();
    for table in tables {
        for sequence in &table.sequences {
            let [table, column, name] =
                [&table.name, &sequence.column, &sequence.name].map(|name| quote_literal(name));
            let (last, called) = (sequence.last, sequence.called);
            text += &format!(
                "CALL pg_temp.pull_sequence({table}, {column}, {name}, {last}, {called});\n"
            );
        }
    }
    text + &format!("CALL pg_temp.pull_ahead({});\n", names(tables))
}

fn names(tables: &[Table]) -> String {
    array(&tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>())
}

fn array(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote_literal(text)).collect();
    format!("ARRAY[{}]::pg_catalog.text[]", texts.join(", "))
}

/// A name with a line break must not end a comment.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}
