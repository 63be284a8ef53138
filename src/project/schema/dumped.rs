//! The entries of a dump that belong to the project, without what every database of it has anyway.

use crate::postgres::dump::Entry;

/// Whether the bundle makes the object.
pub fn is_of_bundle(entry: &Entry) -> bool {
    let comments = ["TRIGGER hectic_", "EVENT TRIGGER hectic_"];
    entry.kind == "EVENT TRIGGER" && entry.name.starts_with("hectic_")
        || entry.kind == "COMMENT" && comments.iter().any(|name| entry.name.starts_with(name))
        || entry.kind == "TRIGGER" && entry.text().contains(" EXECUTE FUNCTION hectic.")
}

/// The entry without statements that make the database's owner the owner of an object, because the
/// role that runs the sources is that already, and without passwords.
pub fn adapted(mut entry: Entry, owner: &str) -> Entry {
    let suffix = format!(" OWNER TO {owner};");
    // the schema public exists before, with another owner
    let keeps = entry.kind == "SCHEMA" && entry.name == "public";
    entry.statements.retain(|statement| {
        keeps || !(statement.starts_with("ALTER ") && statement.ends_with(&suffix))
    });
    if entry.kind == "USER MAPPING" {
        for statement in &mut entry.statements {
            if let Some((head, _)) = statement.split_once(" OPTIONS (") {
                *statement = format!("{head};");
            }
        }
    }
    entry
}
