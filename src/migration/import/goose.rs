//! goose: `VERSION_name.sql` with the annotations `-- +goose Up`, `Down` and others.

use super::files::Files;
use super::found::{Found, Import, Script, number, other_file, split_digits};
use crate::sys::error::Result;

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    for name in files.names() {
        let parsed = split_digits(name).filter(|(_, rest)| !rest.contains('/'));
        let stem = parsed.and_then(|(version, rest)| {
            Some((version, rest.strip_prefix('_')?.strip_suffix(".sql")?))
        });
        let Some((version, stem)) = stem else {
            import.leave(name, other_file(name));
            continue;
        };
        match sections(name, &files.text(name)?) {
            Ok((up, down)) => import.migrations.push(Found {
                key: number(version).to_owned(),
                version: vec![version.to_owned()],
                description: stem.to_owned(),
                up,
                down,
                checksums: Vec::new(),
                contains: Vec::new(),
            }),
            Err(problem) => import.problems.push(format!("{name}{problem}")),
        }
    }
    Ok(import)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Up,
    Down,
}

fn sections(name: &str, text: &str) -> Result<(Script, Option<Script>), String> {
    let script = |offset| Script { offset, ..Script::whole(name, String::new()) };
    let (mut up, mut down) = (script(0), None);
    let (mut state, mut within, mut transaction) = (State::Start, false, true);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let refuse = |what: &str| Err(format!(":{}: {what}", at + 1));
        // a line of an annotation stays as an empty one, so that the numbers of lines stay
        let mut kept = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
        match annotation(line).as_deref() {
            Some("up") if state == State::Start => {
                (state, up.offset, kept) = (State::Up, at + 1, "");
            }
            Some("up") => return refuse("a second `-- +goose Up`"),
            Some("down") if state == State::Up && !within => {
                (state, down, kept) = (State::Down, Some(script(at + 1)), "");
            }
            Some("down") => return refuse("`-- +goose Down` is not after the up"),
            Some("statementbegin") if state != State::Start && !within => within = true,
            Some("statementend") if within => within = false,
            Some("statementbegin" | "statementend") => {
                return refuse("it does not close a statement");
            }
            Some("no transaction") => transaction = false,
            Some("envsub on" | "envsubst on") => {
                return refuse("goose puts variables of the environment in: write their values");
            }
            Some("envsub off" | "envsubst off") => {}
            Some(_) => return refuse("an unknown annotation of goose"),
            None if state == State::Start => {
                let line = line.trim();
                if !line.is_empty() && !line.starts_with("--") {
                    return refuse("there is SQL before `-- +goose Up`");
                }
                continue;
            }
            None => kept = line,
        }
        match &mut down {
            Some(down) => down.text.push_str(kept),
            None if state == State::Up => up.text.push_str(kept),
            None => {}
        }
    }
    if state == State::Start {
        return Err(": there is no `-- +goose Up`".into());
    }
    if within {
        return Err(": a `-- +goose StatementBegin` has no end".into());
    }
    up.transaction = transaction;
    Ok((up, down.map(|down| Script { transaction, ..down })))
}

/// The annotation of a line, in lower case.
fn annotation(line: &str) -> Option<String> {
    let rest = line.strip_prefix("--")?.trim().strip_prefix("+goose")?;
    Some(rest.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_go_and_sections_are_separate() {
        let text = "-- about\n-- +goose NO TRANSACTION\n-- +goose UP\nA;\n-- +goose StatementBegin\n\
                    B;\n-- +goose StatementEnd\n-- +goose Down\nC;\n";
        let (up, down) = sections("x", text).expect("read");
        assert_eq!((up.text.as_str(), up.transaction, up.offset), ("A;\n\nB;\n\n", false, 3));
        let down = down.expect("down");
        assert_eq!((down.text.as_str(), down.transaction, down.offset), ("C;\n", false, 8));
        let (_, down) = sections("x", "-- +goose Up\r\nA;\r\n").expect("read");
        assert_eq!(down, None);
    }

    #[test]
    fn odd_files_are_named() {
        for (text, words) in [
            ("", "no `-- +goose Up`"),
            ("A;\n-- +goose Up\n", ":1: there is SQL before"),
            ("-- +goose Up\n-- +goose Up\n", ":2: a second"),
            ("-- +goose Down\n", ":1: `-- +goose Down` is not after"),
            ("-- +goose Up\n-- +goose StatementBegin\nA;\n", "has no end"),
            ("-- +goose Up\n-- +goose ENVSUB ON\n", ":2: goose puts variables"),
            ("-- +goose Up\n-- +goose Frobnicate\n", ":2: an unknown"),
        ] {
            assert!(sections("x", text).expect_err("wrong").contains(words), "{text:?}");
        }
        let import =
            read(&Files::of(&[("1_a.go", ""), ("2_b.sql", "-- +goose Up\n")])).expect("read");
        assert_eq!((import.migrations.len(), import.not_taken.len()), (1, 1));
    }
}
