//! dbmate: `VERSION_name.sql` with the sections `-- migrate:up` and `-- migrate:down`.

use super::files::Files;
use super::found::{Found, Import, Script, other_file, split_digits};
use crate::sys::error::Result;

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    for name in files.names() {
        let parsed = split_digits(name).filter(|(_, rest)| !rest.contains('/'));
        let Some((version, stem)) =
            parsed.and_then(|(v, rest)| Some((v, rest.strip_suffix(".sql")?)))
        else {
            import.leave(name, other_file(name));
            continue;
        };
        let text = files.text(name)?;
        match sections(name, &text) {
            Ok((up, down)) => import.migrations.push(Found {
                key: version.to_owned(),
                version: vec![version.to_owned()],
                description: stem.trim_start_matches(['_', '-']).to_owned(),
                up,
                down,
                checksums: Vec::new(),
                contains: Vec::new(),
            }),
            Err(problem) => import.problems.push(format!("{name}{problem}")),
        }
        let again = text.lines().filter(|line| mark(line, "up").is_some()).count();
        if again > 1 {
            import.notes.push(format!(
                "{name}: only the first `-- migrate:up` counts, as for dbmate; the others stay as comments"
            ));
        }
    }
    Ok(import)
}

fn sections(name: &str, text: &str) -> Result<(Script, Option<Script>), String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let find = |what: &str| lines.iter().position(|line| mark(line, what).is_some());
    let Some(up) = find("up") else { return Err(": there is no `-- migrate:up`".into()) };
    let down = find("down");
    if let Some(down) = down.filter(|down| *down < up) {
        return Err(format!(":{}: `-- migrate:down` is before `-- migrate:up`", down + 1));
    }
    let is_comment = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with("--");
    if let Some(at) = lines[..up].iter().position(|line| !is_comment(line)) {
        return Err(format!(":{}: there is SQL before `-- migrate:up`", at + 1));
    }
    let section = |mark_at: usize, what: &str, end: usize| Script {
        origin: name.to_owned(),
        offset: mark_at + 1,
        text: lines[mark_at + 1..end].concat(),
        transaction: mark(lines[mark_at], what).is_none_or(|options| {
            !options.split_whitespace().any(|option| option == "transaction:false")
        }),
    };
    let end = down.unwrap_or(lines.len());
    let mut first = section(up, "up", end);
    if up > 0 {
        // an empty line in the place of the mark keeps the numbers of the lines
        first.text.insert_str(0, &format!("{}\n", lines[..up].concat()));
        first.offset = 0;
    }
    Ok((first, down.map(|down| section(down, "down", lines.len()))))
}

/// The options of a line that begins a section.
fn mark<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    let rest = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let options = rest.strip_prefix(what)?;
    (options.is_empty() || options.starts_with(char::is_whitespace)).then_some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_their_transactions_are_separate() {
        let text = "-- why\r\n-- migrate:up transaction:false\r\nA;\r\n--  migrate:down\r\nB;\r\n";
        let (up, down) = sections("x", text).expect("read");
        let down = down.expect("down");
        assert_eq!((up.text.as_str(), up.transaction), ("-- why\r\n\nA;\r\n", false));
        assert_eq!((down.text.as_str(), down.transaction, down.offset), ("B;\r\n", true, 4));
    }

    #[test]
    fn odd_files_are_read_as_dbmate_does_or_named() {
        assert_eq!(sections("x", "-- migrate:up\nA;").map(|(_, down)| down), Ok(None));
        for (text, words) in [
            ("", "no `-- migrate:up`"),
            ("-- MIGRATE:UP\nA;", "no `-- migrate:up`"),
            ("A;\n-- migrate:up\n-- migrate:down\n", ":1: there is SQL"),
            ("-- migrate:down\n-- migrate:up\n", ":1: `-- migrate:down` is before"),
        ] {
            assert!(sections("x", text).expect_err("wrong").contains(words), "{text:?}");
        }
        let twice = "-- migrate:up\nA;\n-- migrate:up\nB;\n-- migrate:down\n";
        let import = read(&Files::of(&[("1_a b.sql", twice)])).expect("read");
        assert_eq!(import.migrations[0].up.text, "A;\n-- migrate:up\nB;\n");
        assert_eq!((import.notes.len(), import.migrations[0].description.as_str()), (1, "a b"));
    }
}
