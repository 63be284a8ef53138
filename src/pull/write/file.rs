//! The patch file of a pull. It is written beside the old one and replaces it at the end.
//!
//! Its text does not depend on the time or the user of the pull, so equal rows make equal files. It
//! is one transaction; the procedures at its head (`sql/query/pull/file-begin.sql`) do the work.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::digester::Digester;
use crate::postgres::sql::quote::quote_literal;
use crate::pull::PullOptions;
use crate::pull::flags::Format;
use crate::pull::load::receipt;
use crate::pull::load::receipt::{Receipt, TableReceipt};
use crate::pull::read::{amount::Amount, rows::unwritable};
use crate::pull::select::table::Table;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::ActingAs;

/// The first line of a pulled file.
const FIRST_LINE: &str =
    "-- Rows from staging, written by `database pull_staging`: pull anew instead of editing.";

/// A file that is being written. No program sees it before [`Self::publish`].
pub(in crate::pull) struct Draft {
    path: PathBuf,
    out: BufWriter<Digested>,
    /// The number of bytes.
    pub(in crate::pull) length: u64,
}

/// A file that computes the digest of its content.
struct Digested {
    file: NamedTempFile,
    digest: Digester,
}

impl Draft {
    /// Begins a draft in the directory of `path`. Follows a symbolic link.
    pub(in crate::pull) fn beside(path: &Path) -> Result<Self> {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = part(&path)?;
        Ok(Self::of(file, path))
    }

    /// Begins a draft in `file`, which will replace `path`.
    pub(in crate::pull) fn of(file: NamedTempFile, path: PathBuf) -> Self {
        let file = Digested { file, digest: Digester::start() };
        Self { path, out: BufWriter::with_capacity(1 << 18, file), length: 0 }
    }

    /// The draft's file name before it is published.
    pub(in crate::pull) fn name(&self) -> PathBuf {
        self.out.get_ref().file.path().file_name().unwrap_or_default().into()
    }

    /// Keeps the flushed part of the draft for `--resume`.
    pub(in crate::pull) fn leave(self) {
        let (Digested { file, .. }, _) = self.out.into_parts();
        let _ = file.keep();
    }

    /// Flushes the draft to disk, replaces the file by it, and writes the receipt. Returns the
    /// digest.
    pub(in crate::pull) fn publish(self, contents: &[&TableReceipt]) -> Result<String> {
        let Self { path, out, .. } = self;
        let _acting = ActingAs::controller_of(&path)?;
        let Digested { file, digest } =
            out.into_inner().map_err(|error| unwritable(error.error()))?;
        if let Ok(old) = std::fs::metadata(&path) {
            file.as_file().set_permissions(old.permissions()).on("prepare", file.path())?;
        }
        file.as_file().sync_all().on("write", &path)?;
        let sums = Receipt::of(digest.finish()?);
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

/// Makes a temporary file in the directory of `path`, which is removed when it is dropped.
pub(in crate::pull) fn part(path: &Path) -> Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let _acting = ActingAs::controller_of(directory)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    Builder::new().prefix(&name).suffix(".part").tempfile_in(directory).on("write in", directory)
}

/// Appends a range of `from`.
pub(in crate::pull) fn append(out: &mut Draft, mut from: &File, bytes: Range<u64>) -> Result<()> {
    from.seek(SeekFrom::Start(bytes.start)).map_err(|error| unwritable(&error))?;
    let mut read = BufReader::with_capacity(1 << 18, from.take(bytes.end - bytes.start));
    std::io::copy(&mut read, out).map(drop).map_err(|error| unwritable(&error))
}

/// Checks whether a pull wrote the file: by its first line, or by a receipt beside it.
pub fn was_pulled(file: &Path) -> bool {
    let mut first = String::new();
    let read = crate::sys::process::open_regular(file).and_then(|file| {
        BufReader::new(file.take(FIRST_LINE.len() as u64)).read_to_string(&mut first)
    });
    read.is_ok() && first == FIRST_LINE || receipt::is_beside(file)
}

/// The text before the first table.
pub(in crate::pull) fn head(tables: &[Table]) -> String {
    format!("{FIRST_LINE}\n\\set QUIET on\n{}{WRITING}", begin(tables))
}

/// Sets the usual search path of the role and database, for triggers that run while rows are
/// written.
pub(in crate::pull) const WRITING: &str = "SET LOCAL search_path TO DEFAULT;\n";

/// The statements before all tables. [`WRITING`] must follow them.
pub(in crate::pull) fn begin(tables: &[Table]) -> String {
    let immutable = tables.iter().any(|table| table.immutable);
    let mode = if immutable { "SET LOCAL hectic.migration_mode = 'on';\n" } else { "" };
    let procedures = sql!("pull/file-begin");
    let aside = sql!("pull/file-aside");
    format!("{procedures}\n{aside}\n{mode}CALL pg_temp.pull_begin({});\n", names(tables))
}

/// The text before a table's rows.
pub(in crate::pull) fn open(table: &Table, format: Format) -> String {
    let copy = if format == Format::Copy { "COPY pg_temp.pulled FROM stdin;\n" } else { "" };
    format!("\n-- {}\n{}{copy}", one_line(&table.name), opening(table))
}

/// The statement that makes the temporary table for a table's rows.
pub(in crate::pull) fn opening(table: &Table) -> String {
    format!("CALL pg_temp.pull_open({});\n", expected(table))
}

/// A table with its columns and types, as arguments of the procedures.
pub(in crate::pull) fn expected(table: &Table) -> String {
    let (columns, types) = (array(&table.columns), array(&table.types));
    format!("{}, {columns}, {types}", quote_literal(&table.name))
}

/// The text after a table's rows.
pub(in crate::pull) fn close(table: &Table, options: &PullOptions, amount: Amount) -> String {
    let end = if options.format == Format::Copy { "\\.\n" } else { "" };
    format!("{end}{}", closing(table, options, amount))
}

/// The statement that moves the rows from the temporary table into the table.
pub(in crate::pull) fn closing(table: &Table, options: &PullOptions, amount: Amount) -> String {
    let (name, key) = (quote_literal(&table.name), array(&table.key));
    let (rows, keep) = (amount.rows, options.keep_existing);
    format!("CALL pg_temp.pull_close({name}, {key}, {rows}, {keep});\n")
}

/// The text after the last table.
pub(in crate::pull) fn tail(tables: &[Table]) -> String {
    format!("\n{END}{}COMMIT;\n\\set QUIET off\n", sequences(tables))
}

/// The statement after the last table. It restores the constraints and triggers that the load has
/// put aside, and compares the tables with those of staging.
pub(in crate::pull) const END: &str = "CALL pg_temp.pull_end();\n";

/// The statements that set the sequences. They come last, because a rollback does not undo them.
pub(in crate::pull) fn sequences(tables: &[Table]) -> String {
    let mut text = String::new();
    for table in tables {
        for sequence in &table.sequences {
            let [table, name] = [&table.name, &sequence.name].map(|name| quote_literal(name));
            let column = sequence.column.as_deref().map_or("NULL".to_owned(), quote_literal);
            let (named, last, called) = (sequence.is_only_named, sequence.last, sequence.called);
            text += &format!(
                "CALL pg_temp.pull_sequence({table}, {column}, {name}, {named}, {last}, {called});\n"
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

/// Removes line breaks, which would end the comment around a name.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}
