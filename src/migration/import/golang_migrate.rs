//! golang-migrate: `VERSION_title.up.sql` and `VERSION_title.down.sql`.

use super::files::Files;
use super::found::{Found, Import, Script, number, other_file, split_digits};
use crate::sys::error::Result;

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    let downs: Vec<(&str, &str)> =
        files.names().filter_map(|name| Some((name, version(name, ".down.sql")?.0))).collect();
    for name in files.names() {
        if let Some((version, title)) = version(name, ".up.sql") {
            // the title of the way back may differ
            let same = |other: &str| number(other) == number(version);
            let mut fitting = downs.iter().filter(|(_, version)| same(version));
            let down = fitting.next().map(|(down, _)| *down);
            if let Some((other, _)) = fitting.next() {
                import.problems.push(format!("version {version} has two ways back: {other}, too"));
            }
            let script =
                |name: &str| -> Result<Script> { Ok(Script::whole(name, files.text(name)?)) };
            import.migrations.push(Found {
                key: number(version).to_owned(),
                version: vec![version.to_owned()],
                description: title.to_owned(),
                up: script(name)?,
                down: down.map(script).transpose()?,
                checksums: Vec::new(),
                contains: Vec::new(),
            });
        } else if version(name, ".down.sql").is_none() {
            import.leave(name, other_file(name));
        }
    }
    for (name, version) in downs {
        if !import.migrations.iter().any(|found| found.key == number(version)) {
            import.leave(name, "a way back without its migration");
        }
    }
    Ok(import)
}

fn version<'a>(name: &'a str, suffix: &str) -> Option<(&'a str, &'a str)> {
    let (version, rest) = split_digits(name)?;
    let title = rest.strip_prefix('_')?.strip_suffix(suffix)?;
    (!title.contains('/')).then_some((version, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ups_and_downs_belong_together_by_their_version() {
        let files = Files::of(&[
            ("000001_a.up.sql", "A;"),
            ("000001_not a.down.sql", "B;"),
            ("000002_b.up.sql", ""),
            ("3_c.down.sql", ""),
            ("4_d.sql", ""),
        ]);
        let import = read(&files).expect("read");
        let [one, two] = &import.migrations[..] else { panic!("{import:?}") };
        assert_eq!(one.down.as_ref().expect("down").text, "B;");
        assert_eq!((one.key.as_str(), two.up.text.as_str()), ("1", ""));
        assert_eq!(import.not_taken.len(), 2, "{import:?}");
    }
}
