//! The sequences from which columns take their values, and where they stand on staging.

use super::table::{DescribedTable, Sequence};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::Result;

/// Reads the sequences of tables. A warning names those that only the user can set.
pub(in crate::pull) fn read(
    session: &mut Session,
    tables: &mut [DescribedTable],
    oids: &[u32],
) -> Result<()> {
    for row in session.query(sql!("pull/sequences"), &[&oids])? {
        let (oid, name): (u32, String) = (column(&row, "oid")?, column(&row, "sequence")?);
        let Some(table) = tables.iter_mut().find(|table| table.oid == oid) else { continue };
        let used = UsedSequence { column: column(&row, "column")?, name, is_only_named: false };
        table.sequences.push(used.position(session)?);
    }
    for row in session.query(sql!("pull/sequences-named"), &[&oids])? {
        let oid: u32 = column(&row, "oid")?;
        let Some(table) = tables.iter_mut().find(|table| table.oid == oid) else { continue };
        let of: Option<String> = column(&row, "column")?;
        let name: Option<String> = column(&row, "sequence")?;
        let is_known = |known: &Sequence| known.column == of && Some(&known.name) == name.as_ref();
        if table.sequences.iter().any(is_known) {
            continue;
        }
        let function: Option<String> = column(&row, "function")?;
        match name {
            Some(name) if column(&row, "readable")? => {
                let used = UsedSequence { column: of, name, is_only_named: true };
                table.sequences.push(used.position(session)?);
            }
            name => warn(&table.name, of.as_deref(), function.as_deref(), name.as_deref()),
        }
    }
    Ok(())
}

/// A sequence and the column that uses it.
struct UsedSequence {
    column: Option<String>,
    name: String,
    is_only_named: bool,
}

impl UsedSequence {
    fn position(self, session: &mut Session) -> Result<Sequence> {
        let Self { column: of, name, is_only_named } = self;
        let value = session.query_one(&format!("SELECT last_value, is_called FROM {name}"), &[])?;
        let (last, called) = (column(&value, "last_value")?, column(&value, "is_called")?);
        Ok(Sequence { column: of, name, is_only_named, last, called })
    }
}

fn warn(table: &str, column: Option<&str>, function: Option<&str>, sequence: Option<&str>) {
    let column = column.map_or("a trigger".into(), |name| format!("the default of column {name}"));
    let taker =
        function.map_or(column.clone(), |function| format!("{column} calls {function}, which"));
    let taken = sequence.map_or(
        "a sequence that the text does not name: if it is of use here, set it yourself".to_owned(),
        |name| {
            format!(
                "the sequence {name}, which may not be read: GRANT SELECT on it, or set it yourself"
            )
        },
    );
    tracing::warn!("{table}: {taker} takes values from {taken}");
}
