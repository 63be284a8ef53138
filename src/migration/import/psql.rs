//! Keeps the meaning of SQL that another tool sends straight to the server.
//!
//! Our migrations go through psql, to which a backslash and `:name` mean something, and they run in
//! our transaction. This module changes only what psql would read differently, and names the lines
//! that it cannot change.

use std::ops::Range;

use super::found::{Import, Script};
use super::tool::Sender;
use crate::migration::refuse;
use crate::postgres::psql::lexer::{self, End, Item, Statement};

/// The script as our migration, with the directive for a migration without a transaction.
///
/// Adds to the notes and the problems of `import`.
pub(super) fn adapt(script: &Script, sender: Sender, import: &mut Import) -> String {
    let at = |line: usize| format!("{}:{}", script.origin, script.offset + line);
    let scanned = match lexer::scan(&script.text) {
        Ok(scanned) => scanned,
        Err(open) => {
            import.problems.push(format!("{}: unterminated {}", at(open.line), open.what));
            return String::new();
        }
    };
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    if sender != Sender::Psql {
        for item in &scanned.items {
            import
                .problems
                .extend(meant_by_psql(item).map(|(line, what)| format!("{}: {what}", at(line))));
        }
        for reference in &scanned.references {
            let after = reference.span.start + 1;
            edits.push((after..after, " ".to_owned()));
            let name = &script.text[reference.span.clone()];
            import.notes.push(format!(
                "{}: a blank keeps psql from taking `{name}` for a variable",
                at(reference.line)
            ));
        }
    }
    let statements: Vec<&Statement> = scanned.statements().collect();
    let mut transaction = script.transaction;
    if transaction {
        match control(&statements) {
            Control::None => {}
            Control::Pair(first, last) => {
                for statement in [first, last] {
                    edits.push((whole_line(&script.text, &statement.span), String::new()));
                }
                import.notes.push(format!(
                    "{}: its own transaction, to line {}, is taken out, because ours takes its place",
                    at(first.line),
                    script.offset + last.line
                ));
            }
            Control::Other(statement) if sender == Sender::InTransaction => {
                import.problems.push(format!(
                    "{}: `{}` ends or opens a transaction within that of the migration",
                    at(statement.line),
                    statement.words.join(" ")
                ));
            }
            Control::Other(statement) => {
                transaction = false;
                import.notes.push(format!(
                    "{}: it controls transactions itself, so it runs without ours",
                    at(statement.line)
                ));
            }
        }
    }
    if transaction && let Some((line, command)) = outside(&statements) {
        if sender == Sender::InTransaction {
            import.notes.push(format!(
                "{}: `{command}` cannot run in a transaction, neither there nor here",
                at(line)
            ));
        } else {
            transaction = false;
            import.notes.push(format!(
                "{}: `{command}` cannot run in a transaction, so it runs without one",
                at(line)
            ));
        }
    }
    let text = edited(&script.text, edits);
    if transaction { text } else { format!("-- migrator: no-transaction\n{text}") }
}

/// The line of an item that psql reads differently from the server, and how.
fn meant_by_psql(item: &Item) -> Option<(usize, String)> {
    match item {
        Item::Meta(meta) => {
            Some((meta.line, format!("psql would run `\\{}` as a command", meta.command)))
        }
        Item::Statement(statement) if statement.end == End::Combined => {
            Some((statement.line, "psql would take `\\;` for a separator".into()))
        }
        Item::Statement(statement) if statement.copy_data.is_some() => Some((
            statement.line,
            "psql would read the lines after COPY … FROM STDIN as data".into(),
        )),
        Item::Statement(_) => None,
    }
}

/// The control of transactions in a script.
enum Control<'a> {
    None,
    /// One transaction around everything.
    Pair(&'a Statement, &'a Statement),
    /// Anything else, from this statement on.
    Other(&'a Statement),
}

fn control<'a>(statements: &[&'a Statement]) -> Control<'a> {
    let words = |statement: &'a Statement| -> Vec<&'a str> {
        statement.words.iter().map(String::as_str).collect()
    };
    let controls: Vec<&'a Statement> =
        statements.iter().copied().filter(|statement| is_control(&words(statement))).collect();
    let ends = [statements.first(), statements.last()];
    match (controls.as_slice(), ends) {
        ([], _) => Control::None,
        ([first, last], [Some(start), Some(end)])
            if std::ptr::eq(*first, *start)
                && std::ptr::eq(*last, *end)
                && matches!(
                    words(first)[..],
                    ["BEGIN"] | ["BEGIN", "WORK" | "TRANSACTION"] | ["START", "TRANSACTION"]
                )
                && matches!(
                    words(last)[..],
                    ["COMMIT" | "END"] | ["COMMIT" | "END", "WORK" | "TRANSACTION"]
                ) =>
        {
            Control::Pair(first, last)
        }
        ([first, ..], _) => Control::Other(first),
    }
}

fn is_control(words: &[&str]) -> bool {
    match words {
        ["ROLLBACK", "TO", ..] | ["ROLLBACK", "WORK" | "TRANSACTION", "TO", ..] => false,
        ["BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "ABORT", ..] => true,
        ["START" | "PREPARE", "TRANSACTION", ..] => true,
        _ => false,
    }
}

/// The first statement that cannot run in a transaction, with its line.
fn outside(statements: &[&Statement]) -> Option<(usize, String)> {
    statements.iter().find_map(|statement| {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        Some((statement.line, refuse::outside_reason(&words)?))
    })
}

/// The span with the rest of its line, if there is nothing else on the line.
fn whole_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
    let alone = text[start..span.start].trim().is_empty() && text[span.end..end].trim().is_empty();
    if alone { start..end } else { span.clone() }
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut changed, mut from) = (String::with_capacity(text.len()), 0);
    for (range, replacement) in edits {
        changed.push_str(&text[from..range.start]);
        changed.push_str(&replacement);
        from = range.end;
    }
    changed + &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(text: &str, transaction: bool, sender: Sender) -> (String, Import) {
        let script = Script { transaction, offset: 2, ..Script::whole("x", text.to_owned()) };
        let mut import = Import::default();
        (adapt(&script, sender, &mut import), import)
    }

    #[test]
    fn colons_that_psql_would_replace_get_a_blank() {
        for (text, expected) in [
            ("SELECT a[1:n], ':x', b::int, $$ :y $$;", "SELECT a[1: n], ':x', b::int, $$ :y $$;"),
            ("SELECT a[b :'1'::int];", "SELECT a[b : '1'::int];"),
            ("SELECT a[b:\"c\"];", "SELECT a[b: \"c\"];"),
        ] {
            let (sql, import) = adapted(text, true, Sender::InTransaction);
            assert_eq!((sql.as_str(), import.problems.len()), (expected, 0), "{import:?}");
            assert!(import.notes[0].starts_with("x:3: "), "{import:?}");
        }
        let (sql, import) = adapted("SELECT :x;", true, Sender::Psql);
        assert_eq!((sql.as_str(), import), ("SELECT :x;", Import::default()));
    }

    #[test]
    fn lines_that_only_psql_understands_are_problems() {
        for (text, words) in [
            ("SELECT 1;\n\\d", "x:4: psql would run `\\d`"),
            ("COPY t FROM STDIN;\n1\n\\.\n", "x:3: psql would read"),
            ("SELECT 1\\; SELECT 2;", "x:3: psql would take"),
            ("SELECT 'a;", "x:3: unterminated quoted string"),
            ("BEGIN; A; COMMIT; B;", "x:3: `BEGIN` ends or opens"),
            ("BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT;", "x:3: `BEGIN ISOLATION"),
            ("A; ROLLBACK;", "x:3: `ROLLBACK`"),
        ] {
            let (_, import) = adapted(text, true, Sender::InTransaction);
            assert!(import.problems[0].starts_with(words), "{import:?}");
        }
    }

    #[test]
    fn the_outermost_transaction_goes_and_others_stay() {
        let none = "-- migrator: no-transaction\n";
        for (text, sender, expected) in [
            ("-- a\nBEGIN;\nA;\n\nCOMMIT;\n", Sender::Psql, "-- a\nA;\n\n".to_owned()),
            ("begin; A; end transaction;", Sender::InTransaction, " A; ".to_owned()),
            ("A; BEGIN; B; COMMIT;", Sender::AsItIs, format!("{none}A; BEGIN; B; COMMIT;")),
            ("VACUUM;", Sender::AsItIs, format!("{none}VACUUM;")),
            ("VACUUM;", Sender::InTransaction, "VACUUM;".to_owned()),
            ("DO $$ BEGIN END $$;", Sender::InTransaction, "DO $$ BEGIN END $$;".to_owned()),
        ] {
            let (sql, import) = adapted(text, true, sender);
            assert_eq!((sql, import.problems.len()), (expected, 0), "{text}");
        }
        let (sql, import) = adapted("BEGIN; A; COMMIT;", false, Sender::InTransaction);
        assert_eq!((sql, import.notes.len()), (format!("{none}BEGIN; A; COMMIT;"), 0));
    }
}
