//! The names of clones and of their templates.

use crate::sys::digest::hex;
use crate::sys::error::{Error, Result};

/// The longest name of a database in bytes: `NAMEDATALEN` without the final NUL.
const LIMIT: usize = 63;

/// The digits of a key that the name of a template has.
const KEY_DIGITS: usize = 12;

/// The name of the template with this key.
pub fn template(database: &str, key: &str) -> String {
    derived(database, &format!("_template_{}", &key[..KEY_DIGITS.min(key.len())]))
}

/// A new name for a clone. `sql/query/clone/databases.sql` recognises it.
pub fn clone(database: &str) -> Result<String> {
    Ok(derived(database, &format!("_clone_{}", random()?)))
}

/// A new name for a database that gets its content.
pub fn building(database: &str) -> Result<String> {
    Ok(derived(database, &format!("_clone_{}", random()?)))
}

/// Refuses a name that PostgreSQL would cut off or does not allow.
pub fn check(name: &str) -> Result<()> {
    let why = match name.len() {
        0 => "is empty".to_owned(),
        length if length > LIMIT => format!("has {length} bytes; PostgreSQL takes {LIMIT}"),
        _ if name.contains('\0') => "has a zero byte".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::conflict(format!("the name \"{name}\" {why}"))
        .hint("choose another name, or omit --name: db-tool then makes one up"))
}

/// 16 hexadecimal digits that nobody else has.
pub fn random() -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::failed(format!("the system has no random numbers: {error}")))?;
    Ok(hex(&bytes))
}

/// The name of a database with something after it, cut so that it fits.
fn derived(database: &str, suffix: &str) -> String {
    let mut end = database.len().min(LIMIT - suffix.len());
    while !database.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &database[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_names_fit_and_keep_whole_letters() {
        let key = "0123456789abcdef";
        assert_eq!(template("app", key), "app_template_0123456789ab");
        let long = template(&"ü".repeat(31), key);
        assert!(long.len() <= LIMIT && long.ends_with("ü_template_0123456789ab"), "{long}");
        assert_eq!(clone(&"x".repeat(63)).expect("random").len(), LIMIT);
        assert_ne!(clone("app").expect("random"), clone("app").expect("random"));
    }

    #[test]
    fn names_are_counted_in_bytes() {
        assert!(check(&"ü".repeat(31)).is_ok());
        for bad in ["", "a\0b", &"ü".repeat(32)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
