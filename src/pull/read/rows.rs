//! Reading rows on staging: sessions on one snapshot, and the rows of a table as text.

use std::io::Write;

use super::amount::Amount;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_literal;
use crate::pull::PullOptions;
use crate::pull::flags::Format;
use crate::pull::progress::Progress;
use crate::pull::select::choice::{Choice, choice, is_restricted, plain};
use crate::pull::select::closure;
use crate::pull::select::table::Table;
use crate::pull::template::fill;
use crate::sys::error::{Context, Error, Result};

/// Begins the transaction that reads, on an existing `snapshot` if there is one.
pub(in crate::pull) fn begin(session: &mut Session, snapshot: Option<&str>) -> Result<()> {
    session.batch(sql!("pull/begin"))?;
    if let Some(snapshot) = snapshot {
        // PostgreSQL allows this only before the first query of a transaction
        session.batch(&format!("SET TRANSACTION SNAPSHOT {}", quote_literal(snapshot)))?;
    }
    Ok(())
}

/// Exports the snapshot of the session. Returns the name that other sessions use to join it.
pub(in crate::pull) fn snapshot(session: &mut Session) -> Result<String> {
    let row = session.query_one(sql!("pull/snapshot"), &[])?;
    column(&row, "snapshot")
}

/// Writes a table's rows, as data of `COPY` or as `INSERT` statements.
pub(in crate::pull) fn rows(
    session: &mut Session,
    table: &Table,
    options: &PullOptions,
    out: &mut dyn Write,
) -> Result<Amount> {
    session.batch(path(table, options))?;
    let is_whole = !is_restricted(table, options)
        && table.increment.condition.is_none()
        && !closure::is_partial(table, options);
    let progress = Progress::of(&table.name, table.estimate.filter(|_| is_whole));
    let left_out = &table.uncompared;
    let mut rows = Rows { out, options, left_out, amount: Amount::default(), pending: 0, progress };
    let query = query(table, options);
    let read = session.copy_out(&query, |chunk| rows.take(chunk));
    let read = read.map_err(|error| explain_lock(session, error));
    read.and_then(|()| rows.end()).context(format!("cannot pull {}", table.name))?;
    Ok(rows.amount)
}

/// The statement that sets the search path while a table is read. Expressions of the user, and the
/// functions that they call, need their usual search path. But the search path also affects how
/// values of a reg… type are printed.
pub(in crate::pull) fn path(table: &Table, options: &PullOptions) -> &'static str {
    let is_written = !table.masked.is_empty()
        || options
            .conditions
            .iter()
            .any(|rule| rule.table == table.name || table.closure.is_some());
    if is_written && !table.types.iter().any(|of| of.starts_with("reg")) {
        "SET LOCAL search_path TO DEFAULT"
    } else {
        "SET LOCAL search_path = pg_catalog"
    }
}

/// Adds a hint to the error about a lock that was not granted in time.
pub(in crate::pull) fn explain_lock(session: &Session, error: Error) -> Error {
    match session.sqlstate() {
        Some("55P03") => error.hint("somebody has locked a table: try later, or raise --timeout"),
        _ => error,
    }
}

/// Builds the `COPY` statement for a table.
pub(in crate::pull) fn query(table: &Table, options: &PullOptions) -> String {
    let cell = |name: &String| table.masked.get(name).cloned().unwrap_or_else(|| plain(name));
    let cells: Vec<String> = table.columns.iter().map(cell).collect();
    let cells = match options.format {
        Format::Copy => cells.join(", "),
        Format::Inserts => {
            // a cast to text would differ from the type's output: it strips the blanks of a bpchar
            let literal = |cell| format!("pg_catalog.format('%L', ({cell}))");
            let cells: Vec<String> = cells.iter().map(literal).collect();
            let template = sql!("pull/values");
            fill(template, &[("@cells@", &cells.join(", "))])
        }
    };
    let Choice { mut condition, order, mut limit } = choice(table, options);
    if let Some(closed) = closure::condition(table, options) {
        (condition, limit) = (format!(" WHERE {closed}"), None);
    }
    let order = match &limit {
        None if !options.in_order => String::new(),
        _ => format!(" ORDER BY {order}"),
    };
    fill(
        sql!("pull/copy"),
        &[
            ("@table@", &table.rows()),
            ("@order@", &order),
            ("@limit@", &limit.unwrap_or_default()),
            ("@where@", &condition),
            ("@cells@", &cells),
        ],
    )
}

/// Writes the rows that arrive from the server.
struct Rows<'a> {
    out: &'a mut dyn Write,
    options: &'a PullOptions,
    left_out: &'a [usize],
    amount: Amount,
    /// The number of rows in the `INSERT` that is not complete yet.
    pending: usize,
    progress: Progress<'a>,
}

impl Rows<'_> {
    /// Takes a chunk of complete rows, each with its line end.
    fn take(&mut self, chunk: &[u8]) -> Result<()> {
        self.amount.add(chunk, self.left_out);
        self.progress.update(self.amount);
        match self.options.format {
            Format::Copy => self.write(chunk),
            Format::Inserts => {
                chunk.split_inclusive(|&byte| byte == b'\n').try_for_each(|row| self.insert(row))
            }
        }
    }

    fn insert(&mut self, row: &[u8]) -> Result<()> {
        let row = unescape(row.strip_suffix(b"\n").unwrap_or(row));
        if row == b"()" {
            // a row without columns, which VALUES cannot express
            self.write(b"INSERT INTO pg_temp.pulled")?;
            return self.write(b" DEFAULT VALUES;\n");
        }
        let begins = self.pending == 0;
        self.write(if begins { b"INSERT INTO pg_temp.pulled VALUES " } else { b",\n  " })?;
        self.write(&row)?;
        self.pending += 1;
        if self.pending >= self.options.rows_per_insert { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<()> {
        if std::mem::take(&mut self.pending) > 0 { self.write(b";\n") } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| unwritable(&error))
    }
}

/// The error for a failed write; the disk may be full.
pub(in crate::pull) fn unwritable(error: &std::io::Error) -> Error {
    Error::failed(format!("cannot write the pulled rows: {error}"))
        .hint("make room on the file system of the patch file; the old file is unchanged")
}

/// Decodes the text format of `COPY` (manual, COPY, "Text Format").
fn unescape(row: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(row.len());
    let mut rest = row.iter();
    while let Some(&byte) = rest.next() {
        text.push(match byte {
            b'\\' => match rest.next() {
                Some(b'b') => 8,
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'v') => 11,
                Some(b'f') => 12,
                Some(b'r') => b'\r',
                Some(&other) => other,
                None => b'\\',
            },
            byte => byte,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_data_is_unescaped() {
        assert_eq!(unescape(br"a\tb\\n\n\.\b\f\v\r"), b"a\tb\\n\n.\x08\x0c\x0b\r");
    }
}
