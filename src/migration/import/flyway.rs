//! Flyway: `V1_2__Description.sql`, with `U1_2__Description.sql` as its way back.

use super::checksum;
use super::files::Files;
use super::found::{Found, Import, Script, number, other_file};
use super::placeholders::{self, Form};
use crate::sys::error::Result;

pub(super) fn read(files: &Files, values: &[(String, String)]) -> Result<Import> {
    let mut import = Import::default();
    let undos: Vec<(&str, Vec<String>)> =
        files.names().filter_map(|name| Some((name, parse(name, "U")?.0))).collect();
    for name in files.names() {
        if let Some((version, description)) = parse(name, "V") {
            let down = undos.iter().find(|(_, other)| *other == version).map(|(name, _)| *name);
            let checksum = checksum::crc32_of_lines(&files.text(name)?);
            let up = script(files, name, values, &mut import)?;
            let down = down.map(|down| script(files, down, values, &mut import)).transpose()?;
            import.migrations.push(Found {
                key: version.join("."),
                version,
                description: description.to_owned(),
                up,
                down,
                checksums: vec![checksum],
                contains: Vec::new(),
            });
        } else if !belongs_to_a_migration(files, name) {
            import.leave(name, reason(name));
        }
    }
    for (name, version) in undos {
        if !import.migrations.iter().any(|found| found.version == version) {
            import.leave(name, "a way back without its migration");
        }
    }
    Ok(import)
}

/// The parts of the version, without zeros at either end, and the description.
fn parse<'a>(name: &'a str, prefix: &str) -> Option<(Vec<String>, &'a str)> {
    let stem = file(name).strip_prefix(prefix)?.strip_suffix(".sql")?;
    let (version, description) = stem.split_once("__")?;
    let mut parts: Vec<String> =
        version.split(['.', '_']).map(|part| number(part).to_owned()).collect();
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !version.split(['.', '_']).all(are_digits) {
        return None;
    }
    while parts.len() > 1 && parts.last().is_some_and(|part| part == "0") {
        parts.pop();
    }
    Some((parts, description))
}

fn file(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}

fn belongs_to_a_migration(files: &Files, name: &str) -> bool {
    let script = name.strip_suffix(".conf").filter(|script| files.bytes(script).is_some());
    ["V", "U"].iter().any(|prefix| parse(script.unwrap_or(name), prefix).is_some())
}

fn reason(name: &str) -> &'static str {
    let file = file(name);
    let is_callback = ["before", "after", "create"].iter().any(|word| file.starts_with(word));
    match file.as_bytes() {
        [b'R', b'_', b'_', ..] => {
            "a repeatable migration, which has no counterpart: write a migration for each change"
        }
        [b'B', b'0'..=b'9', ..] => {
            "a baseline migration: import it as a V file if nothing is older"
        }
        _ if is_callback && file.ends_with(".sql") => "a callback, which has no counterpart",
        _ => other_file(name),
    }
}

fn script(
    files: &Files,
    name: &str,
    values: &[(String, String)],
    import: &mut Import,
) -> Result<Script> {
    let conf = format!("{name}.conf");
    let conf = files.bytes(&conf).map(|_| files.text(&conf)).transpose()?.unwrap_or_default();
    let is_off = |key: &str| {
        conf.lines().filter_map(|line| line.split_once('=')).any(|(name, value)| {
            name.trim().trim_start_matches("flyway.") == key
                && value.trim().eq_ignore_ascii_case("false")
        })
    };
    let mut script = Script::whole(name, files.text(name)?);
    script.transaction = !is_off("executeInTransaction");
    if !is_off("placeholderReplacement") {
        match placeholders::replace(&script.text, Form::Braces, values) {
            Ok(text) => script.text = text,
            Err(missing) => import.problems.extend(missing.iter().map(|(line, name)| {
                format!("{}: {name} has no value: --set NAME=VALUE", script.line(*line))
            })),
        }
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_dots_and_undos_belong_to_them() {
        let files = Files::of(&[
            ("sub/V1_2__Add_it.sql", "A;"),
            ("U1.2__Add_it.sql", "B;"),
            ("V01.10.0__ten.sql", "VACUUM;"),
            ("V01.10.0__ten.sql.conf", "executeInTransaction=false\n"),
            ("R__views.sql", ""),
            ("B1__base.sql", ""),
            ("afterMigrate.sql", ""),
            ("V3__Code.java", ""),
            ("U9__gone.sql", ""),
        ]);
        let import = read(&files, &[]).expect("read");
        let [one, two] = &import.migrations[..] else { panic!("{import:?}") };
        let (one, two) = if one.key == "1.2" { (one, two) } else { (two, one) };
        assert_eq!((one.key.as_str(), two.key.as_str()), ("1.2", "1.10"));
        assert_eq!(one.down.as_ref().expect("down").text, "B;");
        assert!(one.up.transaction && !two.up.transaction);
        assert_eq!(import.not_taken.len(), 5, "{import:?}");
    }

    #[test]
    fn placeholders_need_values() {
        let files = Files::of(&[("V1__a.sql", "A ${x};\n")]);
        let import = read(&files, &[]).expect("read");
        assert!(import.problems[0].starts_with("V1__a.sql:1: ${x} has no value"), "{import:?}");
        let import = read(&files, &[("x".into(), "y".into())]).expect("read");
        assert_eq!(import.migrations[0].up.text, "A y;\n");
        let checksum = checksum::crc32_of_lines("A ${x};");
        assert_eq!(import.migrations[0].checksums, [checksum]);
    }
}
