//! sqitch: `sqitch.plan` names the changes; `deploy/NAME.sql` and `revert/NAME.sql` are psql scripts.

use super::checksum;
use super::files::Files;
use super::found::{Found, Import, Script, other_file};
use crate::sys::error::Result;

/// A line of the plan that matters.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Project(&'a str),
    Tag(&'a str),
    Change { name: &'a str, planned: &'a str },
    Unknown,
}

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    let plan = files.text("sqitch.plan")?;
    let lines: Vec<(usize, Line<'_>)> =
        plan.lines().enumerate().filter_map(|(at, line)| Some((at + 1, parse(line)?))).collect();
    let mut used = vec!["sqitch.plan".to_owned(), "sqitch.conf".to_owned()];
    let project = lines.iter().find_map(|(_, line)| match line {
        Line::Project(project) => Some(*project),
        _ => None,
    });
    for (at, (number, line)) in lines.iter().enumerate() {
        let (name, planned) = match line {
            Line::Change { name, planned } => (*name, *planned),
            Line::Unknown => {
                import.problems.push(format!("sqitch.plan:{number}: not a line of a plan"));
                continue;
            }
            _ => continue,
        };
        let stem = file_stem(name, &lines[at + 1..]);
        let (deploy, revert) = (format!("deploy/{stem}.sql"), format!("revert/{stem}.sql"));
        if files.bytes(&deploy).is_none() {
            import.problems.push(format!("sqitch.plan:{number}: there is no file {deploy}"));
            continue;
        }
        let digits: String = planned.chars().filter(char::is_ascii_digit).collect();
        let down = files.bytes(&revert).map(|_| files.text(&revert)).transpose()?;
        import.migrations.push(Found {
            key: format!("{} {name} {planned}", project.unwrap_or_default()),
            version: vec![digits],
            description: name.replace('/', "-"),
            up: Script::whole(&deploy, files.text(&deploy)?),
            down: down.map(|text| Script::whole(&revert, text)),
            checksums: files.bytes(&deploy).map(checksum::sha1).into_iter().collect(),
            contains: Vec::new(),
        });
        used.extend([deploy, revert]);
    }
    for name in files.names().filter(|name| !used.iter().any(|used| used == name)) {
        let is_verify = name.starts_with("verify/");
        let verify = "a verify script, which has no counterpart: write a test";
        let unplanned = name.starts_with("deploy/") || name.starts_with("revert/");
        import.leave(
            name,
            match () {
                () if is_verify => verify,
                () if unplanned => "the plan does not name it",
                () => other_file(name),
            },
        );
    }
    Ok(import)
}

fn parse(line: &str) -> Option<Line<'_>> {
    let line = line.split('#').next().unwrap_or_default().trim();
    if line.is_empty() {
        return None;
    }
    if let Some(pragma) = line.strip_prefix('%') {
        let (name, value) = pragma.split_once('=')?;
        return (name.trim() == "project").then(|| Line::Project(value.trim()));
    }
    let first = line.split_whitespace().next()?;
    if let Some(tag) = first.strip_prefix('@') {
        return Some(Line::Tag(tag));
    }
    let is_time =
        |word: &&str| word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    let name = first.strip_prefix('+').unwrap_or(first);
    Some(match line.split_whitespace().find(is_time) {
        Some(planned) if !name.is_empty() && !name.starts_with('-') => {
            Line::Change { name, planned }
        }
        _ => Line::Unknown,
    })
}

/// The name of a change's files: with the next tag, if the change is reworked later.
fn file_stem(name: &str, later: &[(usize, Line<'_>)]) -> String {
    let is_again =
        |line: &Line<'_>| matches!(line, Line::Change { name: other, .. } if *other == name);
    let tag = later.iter().find_map(|(_, line)| match line {
        Line::Tag(tag) => Some(*tag),
        _ => None,
    });
    match tag.filter(|_| later.iter().any(|(_, line)| is_again(line))) {
        Some(tag) => format!("{name}@{tag}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "%syntax-version=1.0.0\n%project=shop\n\n\
        a/b 2024-01-01T00:00:00Z A <a@b> # note\n@v1 2024-01-01T00:00:01Z A <a@b>\n\
        c [a/b !x] 2024-01-02T00:00:00Z A <a@b>\na/b [a/b@v1] 2024-01-03T00:00:00Z A <a@b>\n";

    #[test]
    fn the_plan_gives_the_order_and_reworked_changes_have_tags() {
        let files = Files::of(&[
            ("sqitch.plan", PLAN),
            ("deploy/a/b@v1.sql", "A;"),
            ("deploy/a/b.sql", "B;"),
            ("deploy/c.sql", "C;"),
            ("revert/c.sql", "D;"),
            ("verify/c.sql", ""),
            ("deploy/other.sql", ""),
        ]);
        let import = read(&files).expect("read");
        let texts: Vec<_> = import.migrations.iter().map(|one| one.up.text.as_str()).collect();
        assert_eq!(texts, ["A;", "C;", "B;"]);
        assert_eq!(import.migrations[0].key, "shop a/b 2024-01-01T00:00:00Z");
        assert_eq!(import.migrations[1].version, ["20240102000000"]);
        assert_eq!((import.not_taken.len(), import.problems.len()), (2, 0), "{import:?}");
    }

    #[test]
    fn a_missing_file_is_a_problem() {
        let import = read(&Files::of(&[("sqitch.plan", PLAN)])).expect("read");
        assert_eq!(import.problems.len(), 3);
        assert_eq!(parse("what is it"), Some(Line::Unknown));
    }
}
