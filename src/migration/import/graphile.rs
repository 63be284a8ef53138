//! graphile-migrate: `committed/000001-name.sql`, with headers that hold the hash.

use super::checksum;
use super::files::Files;
use super::found::{Found, Import, Script, number, other_file, split_digits};
use super::placeholders::{self, Form};
use crate::sys::error::Result;

pub(super) fn read(files: &Files, values: &[(String, String)]) -> Result<Import> {
    let mut import = Import::default();
    for name in files.names() {
        let Some((version, slug)) = parse(name) else {
            let is_current = name.starts_with("current");
            let current = "the current migration: commit it first";
            import.leave(name, if is_current { current } else { other_file(name) });
            continue;
        };
        let text = files.text(name)?;
        let (headers, body, offset) = split(&text);
        let header = |key: &str| {
            headers.iter().find(|(name, _)| *name == key).map(|(_, value)| value.trim())
        };
        let Some(recorded) = header("Hash") else {
            import.problems.push(format!("{name}: it has no header `--! Hash`"));
            continue;
        };
        let previous = header("Previous").filter(|previous| *previous != "-").unwrap_or_default();
        let trimmed = body.trim();
        let hashed = format!("{}\n", format!("{previous}\n{trimmed}").trim());
        let computed = format!("sha1:{}", checksum::sha1(hashed.as_bytes()));
        let checksum = match header("AllowInvalidHash") {
            Some(_) => recorded.to_owned(),
            None => computed,
        };
        let mark = trimmed.lines().next().and_then(|line| line.strip_prefix("--!"));
        let mut script = Script { offset, ..Script::whole(name, body.to_owned()) };
        script.transaction = !mark.is_some_and(|mark| {
            mark.trim_start()
                .strip_prefix("no-transaction")
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        match placeholders::replace(&script.text, Form::Colon, values) {
            Ok(text) => script.text = text,
            Err(missing) => import.problems.extend(missing.iter().map(|(line, name)| {
                format!("{}: {name} has no value: --set NAME=VALUE", script.line(*line))
            })),
        }
        import.migrations.push(Found {
            key: number(version).to_owned(),
            version: vec![version.to_owned()],
            description: slug.or(header("Message")).unwrap_or("committed").replace('/', "-"),
            up: script,
            down: None,
            checksums: vec![checksum],
            contains: Vec::new(),
        });
    }
    Ok(import)
}

/// The version and the name of a committed migration.
fn parse(name: &str) -> Option<(&str, Option<&str>)> {
    let file = name.strip_prefix("committed/").unwrap_or(name);
    let (version, rest) = split_digits(file.strip_suffix(".sql")?)?;
    match rest.strip_prefix('-') {
        _ if rest.contains('/') => None,
        None => rest.is_empty().then_some((version, None)),
        Some(slug) => Some((version, Some(slug).filter(|slug| !slug.is_empty()))),
    }
}

/// The headers, the text after them, and the number of lines before it.
fn split(text: &str) -> (Vec<(&str, &str)>, &str, usize) {
    let (mut headers, mut rest) = (Vec::new(), text);
    while let Some(header) = rest.lines().next().and_then(|line| line.strip_prefix("--! ")) {
        if !header.starts_with(|c: char| c.is_ascii_uppercase()) {
            break;
        }
        headers.push(header.split_once(':').unwrap_or((header.trim_end(), "")));
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let offset = headers.len();
    (headers, rest, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hold_the_hash_and_the_body_is_hashed() {
        let text = "--! Previous: sha1:aa\n--! Hash: sha1:bb\n--! Message: a b\n\n\
                    --! no-transaction\nVACUUM;\n";
        let files = Files::of(&[
            ("committed/000001.sql", text),
            (
                "committed/000002-x.sql",
                "--! Previous: -\n--! Hash: sha1:c\n--! AllowInvalidHash\n\nA;",
            ),
            ("current.sql", ""),
            ("committed/x.md", ""),
        ]);
        let import = read(&files, &[]).expect("read");
        let [one, two] = &import.migrations[..] else { panic!("{import:?}") };
        assert_eq!((one.description.as_str(), two.description.as_str()), ("a b", "x"));
        assert!(!one.up.transaction && two.up.transaction && one.up.offset == 3);
        let hashed = checksum::sha1(b"sha1:aa\n--! no-transaction\nVACUUM;\n");
        assert_eq!(one.checksums, [format!("sha1:{hashed}")]);
        assert_eq!(two.checksums, ["sha1:c"]);
        assert_eq!(import.not_taken.len(), 2);
        let text = "--! Hash: x\n\nGRANT A ON DATABASE :DATABASE_NAME TO b;";
        let files = Files::of(&[("1.sql", text), ("2.sql", "A;")]);
        let import = read(&files, &[]).expect("read");
        assert_eq!(
            import.problems,
            [
                "1.sql:3: :DATABASE_NAME has no value: --set NAME=VALUE",
                "2.sql: it has no header `--! Hash`"
            ]
        );
    }
}
