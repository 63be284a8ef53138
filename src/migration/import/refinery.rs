//! refinery: `V1__name.sql`, and `U1__name.sql`, which may be applied out of order.

use super::checksum;
use super::files::Files;
use super::found::{Found, Import, Script, number, other_file};
use crate::sys::error::Result;

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    for name in files.names() {
        let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
        let Some((version, description)) = parse(file) else {
            import.leave(name, other_file(name));
            continue;
        };
        if file.starts_with('U') {
            import.notes.push(format!(
                "{name}: if it comes late, it needs --out-of-order; the prefix U is no mark here"
            ));
        }
        // refinery reads the file as it is
        let text = String::from_utf8_lossy(files.bytes(name).unwrap_or_default());
        let value = version.parse().unwrap_or_default();
        let checksums = checksum::refinery(description, value, &text);
        import.migrations.push(Found {
            key: number(version).to_owned(),
            version: vec![version.to_owned()],
            description: description.to_owned(),
            up: Script::whole(name, files.text(name)?),
            down: None,
            checksums,
            contains: Vec::new(),
        });
    }
    Ok(import)
}

fn parse(file: &str) -> Option<(&str, &str)> {
    let stem = file.strip_suffix(".sql")?;
    let (version, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_version = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_version && is_name).then_some((version, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_prefixes_are_migrations() {
        let files = Files::of(&[
            ("V1__a.sql", "A;"),
            ("U2__b.sql", ""),
            ("V3__c.rs", ""),
            ("V4__d-e.sql", ""),
            ("V5.1__f.sql", ""),
        ]);
        let import = read(&files).expect("read");
        assert_eq!(import.migrations.len(), 2, "{import:?}");
        assert_eq!((import.not_taken.len(), import.notes.len()), (3, 1), "{import:?}");
        assert_eq!(import.migrations[0].checksums.len(), 2);
    }
}
