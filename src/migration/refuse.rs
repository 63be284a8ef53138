//! Commands that a migration must not contain.
//!
//! A migration runs in the migrator's psql session: in its transaction, under its lock, with its
//! standard input. A file that leaves the session, ends the transaction or starts programs would
//! break the migrator's guarantees, so it is refused before anything runs. This protects against
//! mistakes only, because SQL can still do most of it through `DO` or `\gexec`.
//!
//! All branches of `\if` are checked, because another run may take another branch.

pub(super) mod characteristics;

use crate::postgres::psql::lexer::{Argument, Item, Meta, Script, route};

/// A forbidden command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its first line, counted from 1.
    pub line: usize,
    /// The command and its effect.
    pub what: String,
    /// An alternative.
    pub hint: &'static str,
}

/// The effect of a command, and an alternative.
type Reason = (&'static str, &'static str);

const PROGRAM: Reason = ("runs a program", "run the program before the migration");
const MAYBE_PROGRAM: Reason = ("may run a program", "write the file's name without variables");
const INPUT: Reason = (
    "reads the standard input, which is not the migration's",
    "put the data into the migration or into a file",
);
const SESSION: Reason = ("leaves the session of the migrator", "remove it");
const EDITOR: Reason = ("opens an editor", "remove it");
const PIPELINE: Reason = (
    "changes when statements run, so that the migrator would notice a failed one too late",
    "remove it; statements run one after another",
);
const WATCH: Reason = ("repeats a statement without end", "remove it");
const MODE: Reason = (
    "changes how the migrator's psql treats errors and transactions",
    "remove it; the migrator stops at the first error by itself",
);
const MAYBE_MODE: Reason = (
    "may change how the migrator's psql treats errors and transactions",
    "write the variable's name out",
);
const ENVIRONMENT: Reason = ("changes what psql connects to or runs", "remove it");
const LOCK: Reason =
    ("gives up the migrator's lock", "remove it; release your own locks with `pg_advisory_unlock`");
const TRANSACTION: Reason = (
    "takes the transaction out of the migrator's hands",
    "remove it; each migration runs in a transaction of its own; for statements that cannot, put \
     `-- migrator: no-transaction` on the first line",
);
const NO_TRANSACTION: Reason = (
    "cannot run in a transaction",
    "each migration runs in a transaction of its own; for statements that cannot, put \
     `-- migrator: no-transaction` on the first line",
);

/// The psql variables that decide what psql does after an error and how it uses transactions.
const MODES: [&str; 5] =
    ["AUTOCOMMIT", "ON_ERROR_STOP", "ON_ERROR_ROLLBACK", "SINGLELINE", "SINGLESTEP"];

/// Lists the forbidden commands of a script in the order of its text. `transactional` says whether
/// the migrator runs it in a transaction.
pub fn refusals(script: &Script, transactional: bool) -> Vec<Refusal> {
    let refuse = |item: &Item| match item {
        Item::Meta(meta) => {
            meta_reason(meta).map(|reason| refusal(meta.line, &written(meta), reason))
        }
        Item::Statement(statement) => {
            let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
            let transaction = || transaction_reason(&words).filter(|_| transactional);
            let characteristic = || characteristics::reason(&words, transactional);
            let (command, reason) =
                lock_reason(&words).or_else(transaction).or_else(characteristic)?;
            Some(refusal(statement.line, &command, reason))
        }
    };
    script.items.iter().filter_map(refuse).collect()
}

fn refusal(line: usize, command: &str, (does, hint): Reason) -> Refusal {
    Refusal { line, what: format!("`{command}` {does}"), hint }
}

fn written(meta: &Meta) -> String {
    let arguments = meta.arguments.iter().map(|argument| format!(" {}", argument.raw));
    format!("\\{}{}", meta.command, arguments.collect::<String>())
}

fn meta_reason(meta: &Meta) -> Option<Reason> {
    let arguments = &meta.arguments;
    if arguments.iter().any(|argument| argument.backquoted) {
        return Some(PROGRAM);
    }
    let first = arguments.first();
    match meta.command.as_str() {
        "!" => Some(PROGRAM),
        "o" | "out" | "w" | "write" => first.and_then(pipe_reason),
        "g" | "gx" => arguments.iter().find_map(pipe_reason),
        "copy" => first.and_then(copy_reason),
        "i" | "include" | "ir" | "include_relative" => {
            // psql removes semicolons at the end of a file's name
            let name = first?.value.as_deref()?;
            (name.trim_end_matches(';') == "-").then_some(INPUT)
        }
        "set" | "unset" | "getenv" => first.and_then(mode_reason),
        "setenv" => first.and_then(environment_reason),
        "c" | "connect" | "q" | "quit" => Some(SESSION),
        "e" | "edit" | "ef" | "ev" => Some(EDITOR),
        "prompt" | "password" => Some(INPUT),
        "watch" => Some(WATCH),
        "startpipeline" | "endpipeline" | "syncpipeline" | "sendpipeline" | "flush"
        | "flushrequest" | "getresults" => Some(PIPELINE),
        _ => None,
    }
}

/// Checks whether a file name is a pipe, or may be one after psql has replaced its variables.
fn pipe_reason(argument: &Argument) -> Option<Reason> {
    let named = |c: char| c.is_alphanumeric() || "_./~(\"".contains(c);
    match &argument.value {
        Some(value) => value.starts_with('|').then_some(PROGRAM),
        None => (!argument.raw.starts_with(named)).then_some(MAYBE_PROGRAM),
    }
}

fn copy_reason(argument: &Argument) -> Option<Reason> {
    let route = route(&argument.raw)?;
    match route {
        _ if route.is_program() => Some(PROGRAM),
        _ if route.reads_standard_input() => Some(INPUT),
        _ => None,
    }
}

fn mode_reason(name: &Argument) -> Option<Reason> {
    match name.value.as_deref() {
        Some(name) => MODES.contains(&name).then_some(MODE),
        None => Some(MAYBE_MODE),
    }
}

fn environment_reason(name: &Argument) -> Option<Reason> {
    let harmless = |name: &str| !name.starts_with("PG") && !name.ends_with("PAGER");
    (!name.value.as_deref().is_some_and(harmless)).then_some(ENVIRONMENT)
}

/// Finds a statement that releases the migrator's lock.
fn lock_reason(words: &[&str]) -> Option<(String, Reason)> {
    const UNLOCK: &str = "pg_advisory_unlock_all";
    let names_it = |word: &&str| word.trim_matches('"').eq_ignore_ascii_case(UNLOCK);
    // these statements name or define the function but do not call it
    let defines = words.iter().take(4).any(|word| matches!(*word, "FUNCTION" | "PROCEDURE"));
    match words {
        ["DISCARD", "ALL"] => Some(("DISCARD ALL".to_owned(), LOCK)),
        ["GRANT" | "REVOKE" | "COMMENT" | "ALTER" | "DROP", ..] => None,
        _ if !defines && words.iter().any(names_it) => Some((UNLOCK.to_owned(), LOCK)),
        _ => None,
    }
}

/// Finds a statement that ends the transaction, or that cannot run in a transaction.
fn transaction_reason(words: &[&str]) -> Option<(String, Reason)> {
    match words {
        ["ROLLBACK", "TO", ..] | ["ROLLBACK", "WORK" | "TRANSACTION", "TO", ..] => None,
        ["BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "ABORT", ..]
        | ["START", "TRANSACTION", ..]
        | ["PREPARE", "TRANSACTION"] => {
            let length = words.iter().take(2).take_while(|word| is_of_control(word)).count();
            Some((words[..length].join(" "), TRANSACTION))
        }
        _ => outside_reason(words).map(|command| (command, NO_TRANSACTION)),
    }
}

fn is_of_control(word: &str) -> bool {
    matches!(
        word,
        "BEGIN" | "START" | "TRANSACTION" | "WORK" | "COMMIT" | "END" | "ROLLBACK" | "ABORT"
    ) || matches!(word, "PREPARE" | "PREPARED")
}

/// The command of a statement for which the server calls `PreventInTransactionBlock`.
pub fn outside_reason(words: &[&str]) -> Option<String> {
    let command = match words {
        ["CREATE" | "DROP", "INDEX", "CONCURRENTLY", ..]
        | ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", ..] => {
            let length = words.iter().position(|word| *word == "CONCURRENTLY")?;
            words[..=length].join(" ")
        }
        ["REINDEX", rest @ ..] if rest.contains(&"CONCURRENTLY") => "REINDEX CONCURRENTLY".into(),
        ["REINDEX", rest @ ..] => {
            let objects = ["INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"];
            let object = rest.iter().find(|word| objects.contains(word))?;
            return (!matches!(*object, "INDEX" | "TABLE")).then(|| format!("REINDEX {object}"));
        }
        ["ALTER", "TABLE", rest @ ..] => {
            let detach = rest.windows(2).position(|pair| pair == ["DETACH", "PARTITION"])?;
            let concurrently = rest[detach..].contains(&"CONCURRENTLY");
            return concurrently.then(|| "DETACH PARTITION CONCURRENTLY".to_owned());
        }
        ["ALTER", "DATABASE", _, "SET", "TABLESPACE", ..] => "ALTER DATABASE SET TABLESPACE".into(),
        ["CREATE" | "DROP", "DATABASE" | "TABLESPACE", ..] | ["ALTER", "SYSTEM", ..] => {
            words[..2].join(" ")
        }
        ["CLUSTER"] | ["CLUSTER", "VERBOSE"] | ["VACUUM", ..] => words[0].to_owned(),
        _ => return None,
    };
    Some(command)
}

#[cfg(test)]
mod tests;
