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
    let scanned = match lexer::scan(&script.text) {
        Ok(scanned) => scanned,
        Err(open) => {
            let line = script.line(open.line);
            import.problems.push(format!("{line}: unterminated {}", open.what));
            return String::new();
        }
    };
    let mut adapting = Adapting { script, sender, import, edits: Vec::new() };
    adapting.read_by_psql(&scanned);
    let statements: Vec<&Statement> = scanned.statements().collect();
    let transaction =
        script.transaction && adapting.controls(&statements) && adapting.is_possible(&statements);
    let text = edited(&script.text, adapting.edits);
    if transaction { text } else { format!("-- migrator: no-transaction\n{text}") }
}

struct Adapting<'a> {
    script: &'a Script,
    sender: Sender,
    import: &'a mut Import,
    edits: Vec<(Range<usize>, String)>,
}

impl Adapting<'_> {
    fn note(&mut self, line: usize, what: &str) {
        self.import.notes.push(format!("{}: {what}", self.script.line(line)));
    }

    fn problem(&mut self, line: usize, what: &str) {
        self.import.problems.push(format!("{}: {what}", self.script.line(line)));
    }

    /// Changes or refuses what psql reads differently from the server.
    fn read_by_psql(&mut self, scanned: &lexer::Script) {
        if self.sender == Sender::Psql {
            for refusal in refuse::refusals(scanned, false) {
                self.problem(refusal.line, &refusal.what);
            }
            for item in &scanned.items {
                if let Item::Meta(meta) = item
                    && ["i", "ir", "include", "include_relative"].contains(&meta.command.as_str())
                {
                    self.problem(meta.line, "it includes a file: put the text of that file in");
                }
            }
            return;
        }
        for item in &scanned.items {
            if let Some((line, what)) = meant_by_psql(item, self.sender) {
                self.problem(line, &what);
            }
        }
        for reference in &scanned.references {
            let after = reference.span.start + 1;
            self.edits.push((after..after, " ".to_owned()));
            let name = &self.script.text[reference.span.clone()];
            let what = format!("a blank keeps psql from taking `{name}` for a variable");
            self.note(reference.line, &what);
        }
    }

    /// Takes out a transaction around everything. Returns whether ours can take its place.
    fn controls(&mut self, statements: &[&Statement]) -> bool {
        match control(statements) {
            Control::None => true,
            Control::Pair(first, last) => {
                for statement in [first, last] {
                    self.edits
                        .push((whole_line(&self.script.text, &statement.span), String::new()));
                }
                let end = self.script.offset + last.line;
                let what = format!(
                    "its own transaction, to line {end}, is taken out, because ours takes its place"
                );
                self.note(first.line, &what);
                true
            }
            Control::Other(other) => {
                if matches!(self.sender, Sender::AsItIs | Sender::Psql) {
                    let what = "it controls transactions itself, so it runs without ours";
                    self.note(other.line, what);
                    return false;
                }
                let command = other.words.join(" ");
                let what =
                    format!("`{command}` ends or opens a transaction within that of the migration");
                self.problem(other.line, &what);
                true
            }
        }
    }

    /// Returns whether all statements can run in a transaction, as far as the tool allowed others.
    fn is_possible(&mut self, statements: &[&Statement]) -> bool {
        let Some((line, command)) = outside(statements) else { return true };
        if self.sender == Sender::InTransaction {
            let what = format!("`{command}` cannot run in a transaction, neither there nor here");
            self.note(line, &what);
            return true;
        }
        let what = format!("`{command}` cannot run in a transaction, so it runs without one");
        self.note(line, &what);
        false
    }
}

/// The line of an item that psql reads differently from the server, and how.
fn meant_by_psql(item: &Item, sender: Sender) -> Option<(usize, String)> {
    match item {
        Item::Meta(meta) => {
            Some((meta.line, format!("psql would run `\\{}` as a command", meta.command)))
        }
        Item::Statement(statement) if statement.end == End::Combined => {
            Some((statement.line, "psql would take `\\;` for a separator".into()))
        }
        Item::Statement(statement)
            if statement.copy_data.is_some() && sender != Sender::InTransactionIfPossible =>
        {
            let what = "psql would read the lines after COPY … FROM STDIN as data";
            Some((statement.line, what.into()))
        }
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
        let (_, import) = adapted("\\ir x.sql\n\\q\n", true, Sender::Psql);
        assert_eq!(import.problems.len(), 2, "{import:?}");
        let copy = "COPY t FROM STDIN;\n1\n\\.\n";
        let (sql, import) = adapted(copy, true, Sender::InTransactionIfPossible);
        assert_eq!((sql.as_str(), import), (copy, Import::default()));
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
