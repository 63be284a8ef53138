//! The roles that side B needs and that the cluster of side A lacks.
//!
//! Roles belong to the cluster, so that diff does not compare them. A draft that names a missing
//! role fails its proof. With `--with-roles`, its up makes these roles. The down leaves them, because
//! other databases may use them.

use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;
use crate::sys::error::{Error, Result};

/// A role that is missing.
pub(super) struct MissingRole {
    /// Its name, without quotes.
    pub name: String,
    /// The `CREATE ROLE` without its semicolon.
    create: String,
    /// The statements that make it a member of other roles.
    memberships: Vec<String>,
}

/// Finds the roles that the database of `b` needs and the cluster of `a` lacks.
pub(super) fn missing(a: &mut Session, b: &mut Session) -> Result<Vec<MissingRole>> {
    let known: Vec<String> = column(&a.query_one(sql!("diff/roles"), &[])?, "names")?;
    let rows = b.query(sql!("diff/missing-roles"), &[&known])?;
    let role = |row: &_| {
        Ok(MissingRole {
            name: column(row, "name")?,
            create: column(row, "statement")?,
            memberships: column(row, "memberships")?,
        })
    };
    rows.iter().map(role).collect()
}

/// The statements that make the roles, unless they exist.
pub(super) fn statements(roles: &[MissingRole]) -> Vec<String> {
    let create = |role: &MissingRole| {
        let name = quote_literal(&role.name);
        let values = [("name", name.trim()), ("statement", &role.create)];
        fill(sql!("draft/create-role"), &values).trim_end().to_owned()
    };
    let note =
        (!roles.is_empty()).then(|| "-- roles of the cluster, which the down leaves".to_owned());
    let memberships = roles.iter().flat_map(|role| role.memberships.iter().cloned());
    note.into_iter().chain(roles.iter().map(create)).chain(memberships).collect()
}

/// Adds to the failure of a draft that roles are missing.
pub(super) fn explained(error: Error, roles: &[MissingRole]) -> Error {
    if roles.is_empty() {
        return error;
    }
    let each = roles.iter().map(|role| format!("{};", role.create)).collect::<Vec<_>>();
    error
        .detail(format!("The other side lacks roles that the sources need:\n{}", each.join("\n")))
        .hint("`--with-roles` lets the draft make these roles")
}
