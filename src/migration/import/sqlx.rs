//! sqlx: `VERSION_description.sql`, or `.up.sql` and `.down.sql`.

use super::checksum;
use super::files::Files;
use super::found::{Found, Import, Script, number, other_file, split_digits};
use crate::sys::error::Result;

/// The beginning of a migration that sqlx runs without a transaction.
const MARK: &str = "-- no-transaction";

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    for name in files.names() {
        let Some((version, rest)) = parse(name) else {
            import.leave(name, other_file(name));
            continue;
        };
        if let Some(stem) = name.strip_suffix(".down.sql") {
            if files.bytes(&format!("{stem}.up.sql")).is_none() {
                import.leave(name, "a way back without its migration");
            }
            continue;
        }
        let stem = rest.strip_suffix(".up.sql").or(rest.strip_suffix(".sql")).unwrap_or(rest);
        let down = name.strip_suffix(".up.sql").map(|stem| format!("{stem}.down.sql"));
        let down = down.filter(|down| files.bytes(down).is_some());
        import.migrations.push(Found {
            key: number(version).to_owned(),
            version: vec![version.to_owned()],
            description: stem.to_owned(),
            up: script(files, name)?,
            down: down.map(|down| script(files, &down)).transpose()?,
            checksums: files.bytes(name).map(checksum::sha384).into_iter().collect(),
            contains: Vec::new(),
        });
    }
    Ok(import)
}

/// The version and the rest of the name of a migration.
fn parse(name: &str) -> Option<(&str, &str)> {
    let (version, rest) = split_digits(name)?;
    let rest = rest.strip_prefix('_')?;
    (rest.ends_with(".sql") && !rest.contains('/')).then_some((version, rest))
}

fn script(files: &Files, name: &str) -> Result<Script> {
    let script = Script::whole(name, files.text(name)?);
    let transaction = !script.text.starts_with(MARK);
    Ok(Script { transaction, ..script })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_files_are_read() {
        let files = Files::of(&[
            ("20240101000000_add users.up.sql", "A;"),
            ("20240101000000_add users.down.sql", "B;"),
            ("2_simple.sql", "-- no-transaction\r\nC;"),
            ("3_lone.down.sql", ""),
            ("README.md", ""),
            ("x_1.sql", ""),
        ]);
        let import = read(&files).expect("read");
        let [one, two] = &import.migrations[..] else { panic!("{import:?}") };
        assert_eq!((one.description.as_str(), one.up.text.as_str()), ("add users", "A;"));
        assert_eq!(one.down.as_ref().expect("down").text, "B;");
        assert!(one.up.transaction && !two.up.transaction && two.down.is_none());
        assert_eq!(import.not_taken.len(), 3, "{import:?}");
    }

    #[test]
    fn the_checksum_is_sha_384_of_the_bytes() {
        let import = read(&Files::of(&[("1_a.sql", "abc")])).expect("read");
        let known = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                     8086072ba1e7cc2358baeca134c825a7";
        assert_eq!(import.migrations[0].checksums, [known]);
    }
}
