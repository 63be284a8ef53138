//! diesel: `VERSION_name/up.sql`, `down.sql` and `metadata.toml`.

use serde::Deserialize;

use super::files::Files;
use super::found::{Found, Import, Script, other_file};
use crate::sys::error::{Error, Result};

#[derive(Deserialize)]
struct Metadata {
    #[serde(default = "yes")]
    run_in_transaction: bool,
}

fn yes() -> bool {
    true
}

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    for path in files.names() {
        let place = path.split_once('/').and_then(|(directory, file)| {
            let (version, name) = directory.split_once('_').unwrap_or((directory, ""));
            let digits: String = version.chars().filter(|c| *c != '-').collect();
            let is_version = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            is_version.then_some((directory, digits, name, file))
        });
        let Some((directory, digits, name, file)) = place else {
            import.leave(path, other_file(path));
            continue;
        };
        let beside = |file: &str| format!("{directory}/{file}");
        match file {
            "up.sql" => {}
            "down.sql" | "metadata.toml" if files.bytes(&beside("up.sql")).is_some() => continue,
            _ => {
                import.leave(path, other_file(path));
                continue;
            }
        }
        let transaction = in_transaction(files, &beside("metadata.toml"))?;
        let script = |name: &str| -> Result<Script> {
            Ok(Script { transaction, ..Script::whole(name, files.text(name)?) })
        };
        let down = Some(beside("down.sql")).filter(|down| files.bytes(down).is_some());
        import.migrations.push(Found {
            key: digits.clone(),
            version: vec![digits],
            description: name.to_owned(),
            up: script(path)?,
            down: down.map(|down| script(&down)).transpose()?,
            checksums: Vec::new(),
            contains: Vec::new(),
        });
    }
    Ok(import)
}

fn in_transaction(files: &Files, metadata: &str) -> Result<bool> {
    if files.bytes(metadata).is_none() {
        return Ok(true);
    }
    let parsed: Metadata = toml::from_str(&files.text(metadata)?).map_err(|error| {
        Error::conflict(format!("{metadata}: {}", error.message())).hint("correct the file")
    })?;
    Ok(parsed.run_in_transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_and_parts_of_a_second_are_digits() {
        let files = Files::of(&[
            ("00000000000000_diesel_initial_setup/up.sql", "A;"),
            ("00000000000000_diesel_initial_setup/down.sql", "B;"),
            ("2024-02-03-040506-0078_add_it/up.sql", "C;"),
            ("2024-02-03-040506-0078_add_it/metadata.toml", "run_in_transaction = false\n"),
            ("2024-02-03-040506-0078_add_it/notes.txt", ""),
            ("lib.rs", ""),
            ("2025_gone/down.sql", ""),
        ]);
        let import = read(&files).expect("read");
        let [one, two] = &import.migrations[..] else { panic!("{import:?}") };
        assert_eq!(
            (one.key.as_str(), one.description.as_str()),
            ("00000000000000", "diesel_initial_setup")
        );
        assert_eq!((two.key.as_str(), two.up.transaction), ("202402030405060078", false));
        assert!(one.up.transaction && one.down.is_some() && two.down.is_none());
        assert_eq!(import.not_taken.len(), 3, "{import:?}");
    }
}
