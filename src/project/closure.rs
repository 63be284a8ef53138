//! Everything that decides what a script of psql does: its text, the files that it includes, and
//! the files that it copies rows from.
//!
//! A cached state may be used again only while this closure is unchanged. So a script whose closure
//! psql alone can know has none: one that runs programs, reads the environment or the server's
//! files, or asks other servers. A statement that a script puts together at run time can hide such a
//! thing from this module, so `sql/query/state/reaching-out.sql` looks at what the script has left
//! in the catalogs, too.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::migration::source::{Part, Source};
use crate::postgres::psql::lexer::{self, Item, Meta, route};
use crate::postgres::psql::script::Script;
use crate::sys::digest::{sha256, sha256_of_file};

/// The reason why a script has no known closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle(pub String);

/// Commands of psql whose effect depends on the text of the script and on the database only.
const HARMLESS: [&str; 40] = [
    "i",
    "ir",
    "include",
    "include_relative",
    "if",
    "elif",
    "else",
    "endif",
    "set",
    "unset",
    "echo",
    "qecho",
    "warn",
    "gset",
    "gexec",
    "gdesc",
    "g",
    "gx",
    "crosstabview",
    "bind",
    "r",
    "reset",
    "timing",
    "x",
    "pset",
    "a",
    "t",
    "f",
    "H",
    "html",
    "C",
    "T",
    "encoding",
    "errverbose",
    "copy",
    "restrict",
    "unrestrict",
    "q",
    "quit",
    "p",
];

/// Words that reach out of the database, in small letters, also within the bodies of functions.
const REACHING_OUT: [&str; 29] = [
    "pg_read_file",
    "pg_read_binary_file",
    "pg_ls_dir",
    "pg_ls_logdir",
    "pg_ls_waldir",
    "pg_ls_tmpdir",
    "pg_stat_file",
    "pg_current_logfile",
    "lo_import",
    "lo_export",
    "dblink",
    "dblink_connect",
    "create server",
    "foreign table",
    "foreign schema",
    "create subscription",
    "create tablespace",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "data_directory",
    "config_file",
    "hba_file",
    "unix_socket_directories",
    "inet_server_addr",
    "inet_server_port",
    "plpython3u",
    "plperlu",
    "pltclu",
    "plsh",
];

/// Variables of psql that name the place of the server.
const PLACES: [&str; 2] = ["HOST", "PORT"];

/// The largest script, in bytes, that is read for its closure. Rows that were pulled from a staging
/// database may take much more, and reading them would take longer than it saves.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The digest of a script's closure.
pub fn digest(script: &Script) -> Result<String, Obstacle> {
    let size = script.file.metadata().map_or(0, |facts| facts.len());
    if size > LARGEST {
        let (file, limit) = (script.file.display(), LARGEST / 1024 / 1024);
        return Err(Obstacle(format!("{file} is larger than {limit} MB")));
    }
    let source = Source::load(&script.file, &script.directory)
        .map_err(|error| Obstacle(error.message().to_owned()))?;
    let mut text = String::new();
    for (name, value) in &script.variables {
        text += &format!("{name}\0{value}\0");
    }
    for part in &source.parts {
        let Files(files) = examine(part, &script.directory)?;
        text += &sha256(part.text.as_bytes());
        for include in &part.includes {
            text += &format!("\0{}", include.part);
        }
        for file in files {
            let digest = sha256_of_file(&file).map_err(|error| Obstacle(error.to_string()))?;
            text += &format!("\0{digest}");
        }
        text.push('\n');
    }
    Ok(sha256(text))
}

/// The files of the closure, as far as it is known: also those that do not exist.
pub fn files(script: &Script) -> Vec<PathBuf> {
    let mut files = vec![script.file.clone()];
    files.extend(Source::named(&script.file, &script.directory));
    for part in Source::reachable(&script.file, &script.directory) {
        let items = part.scan().map(|scanned| scanned.items).unwrap_or_default();
        for item in items {
            let Item::Meta(meta) = item else { continue };
            let line = meta.arguments.first().filter(|_| meta.command == "copy");
            let copied = line.map(|argument| copied(&argument.raw, &script.directory));
            files.extend(copied.and_then(Result::ok).flatten());
        }
    }
    files
}

/// The files from which a part copies rows.
struct Files(Vec<PathBuf>);

fn examine(part: &Part, directory: &Path) -> Result<Files, Obstacle> {
    let obstacle =
        |line: usize, what: &str| Obstacle(format!("{}:{line}: {what}", part.path.display()));
    let mut files = Vec::new();
    let mut data = Vec::new();
    if part.text.contains('\\') || part.text.contains(':') {
        let script = part.scan().map_err(|error| Obstacle(error.message().to_owned()))?;
        for item in &script.items {
            let Item::Meta(meta) = item else { continue };
            if let Some(why) = reaches_out(meta) {
                return Err(obstacle(meta.line, &why));
            }
            if meta.command == "copy" {
                let line = meta.arguments.first().map_or("", |argument| &argument.raw);
                files.extend(copied(line, directory).map_err(|why| obstacle(meta.line, &why))?);
            }
        }
        if let Some(place) = script.references.iter().find(|used| PLACES.contains(&&*used.name)) {
            let line = line_of(&part.text, place.span.start);
            return Err(obstacle(line, &format!(":{} is the place of the server", place.name)));
        }
        data = script.items.into_iter().filter_map(data_of).collect();
    }
    match word_that_reaches_out(&part.text, &data) {
        Some((line, what)) => Err(obstacle(line, &what)),
        None => Ok(Files(files)),
    }
}

/// The data of a COPY. For `\copy`, the whole command, which was looked at by itself.
fn data_of(item: Item) -> Option<Range<usize>> {
    match item {
        Item::Statement(statement) => statement.copy_data,
        Item::Meta(meta) if meta.command == "copy" => {
            let end = meta.copy_data.map_or(meta.span.end, |data| data.end);
            Some(meta.span.start..end)
        }
        Item::Meta(meta) => meta.copy_data,
    }
}

/// Why the result of a command depends on more than the text and the database.
fn reaches_out(meta: &Meta) -> Option<String> {
    let name = meta.command.as_str();
    let is_description = name.starts_with('d') || ["l", "z", "sf", "sv"].contains(&name);
    let shown = format!("\\{name}");
    if meta.arguments.iter().any(|argument| argument.backquoted) {
        return Some(format!("{shown} runs a program in backquotes"));
    }
    if !is_description && !HARMLESS.contains(&name) {
        return Some(format!("{shown} reaches out of the database"));
    }
    let writes = |argument: &lexer::Argument| !argument.raw.starts_with('(');
    if ["g", "gx"].contains(&name) && meta.arguments.first().is_some_and(writes) {
        return Some(format!("{shown} writes a file"));
    }
    None
}

/// The file from which a `\copy` reads, if it reads one.
fn copied(line: &str, directory: &Path) -> Result<Option<PathBuf>, String> {
    let Some(route) = route(line) else { return Ok(None) };
    if route.is_program() || route.reads_standard_input() {
        return Err("\\copy reads from a program or the standard input".to_owned());
    }
    let is_stream = ["stdin", "stdout"].iter().any(|word| route.end.eq_ignore_ascii_case(word));
    match (is_stream, route.from) {
        (true, _) => Ok(None),
        (false, false) => Err("\\copy writes a file".to_owned()),
        (false, true) => {
            let end = route.end;
            let bare = end.strip_prefix('\'').map_or(Some(end), |rest| rest.strip_suffix('\''));
            let is_plain = |name: &&str| !name.is_empty() && !name.contains('\'');
            let name = bare.filter(is_plain).filter(|name| !name.starts_with('~'));
            let name = name.ok_or_else(|| format!("\\copy names its file as {end}"))?;
            Ok(Some(directory.join(name)))
        }
    }
}

/// The first word that reaches out of the database, with its line. Words in comments and in the data
/// of COPY do not count.
fn word_that_reaches_out(text: &str, data: &[Range<usize>]) -> Option<(usize, String)> {
    let small = text.to_ascii_lowercase();
    let is_code = |at: &usize| !data.iter().any(|range| range.contains(at));
    let find = |text: &str, accept: &dyn Fn(&usize) -> bool| {
        let known = |needle: &&'static str| Some((words(text, needle).find(accept)?, *needle));
        let known = REACHING_OUT.iter().find_map(known);
        known.or_else(|| Some((copies(text).find(accept)?, "COPY with a file or a program")))
    };
    let (at, what) = find(&small, &is_code)?;
    // only now is it worth the time to remove the comments
    let code = lexer::normalize(&small).unwrap_or_else(|_| small.clone());
    find(&code, &|_| true)?;
    Some((line_of(text, at), format!("{what} reaches out of the database")))
}

/// The places of a word in a text.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let after = text[at + word.len()..].chars().next();
        !is_part(text[..*at].chars().next_back()) && !is_part(after)
    })
}

/// The places of `copy` before a `from` or `to` that a file or a program follows. The name of the
/// file may be put together at run time.
fn copies(text: &str) -> impl Iterator<Item = usize> + '_ {
    words(text, "copy").filter(|at| {
        let statement = text[*at..].split(';').next().unwrap_or_default();
        ["from", "to"].iter().flat_map(|word| words(statement, word).map(|at| at + word.len())).any(
            |after| {
                let end = statement[after..].trim_start();
                end.starts_with(['\'', '$', '%', '|'])
                    || ["e'", "program"].iter().any(|start| end.starts_with(start))
            },
        )
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].bytes().filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(files: &[(&str, &str)]) -> Result<String, Obstacle> {
        let root = tempfile::tempdir().expect("temporary directory");
        for (name, text) in files {
            std::fs::write(root.path().join(name), text).expect("written");
        }
        digest(&Script {
            file: root.path().join("a.sql"),
            variables: Vec::new(),
            directory: root.path().to_owned(),
            log: None,
        })
    }

    #[test]
    fn every_file_counts_and_the_place_does_not() {
        let files = [("a.sql", "\\ir b.sql\n\\copy t from 'rows.csv' csv"), ("b.sql", "SELECT 1;")];
        let of = |rows: &str, b: &str| {
            digest_of(&[files[0], ("b.sql", b), ("rows.csv", rows)]).expect("known")
        };
        let first = of("1", "SELECT 1;");
        assert_eq!(first, of("1", "SELECT 1;"), "in another directory");
        assert_ne!(first, of("2", "SELECT 1;"));
        assert_ne!(first, of("1", "SELECT 2;"));
        assert!(digest_of(&files).is_err(), "the rows are missing");
    }

    #[test]
    fn what_reaches_out_has_no_closure() {
        for text in [
            "\\! date",
            "\\set now `date`",
            "\\getenv home HOME",
            "\\i :file",
            "\\connect other",
            "\\copy t from program 'seq 3'",
            "\\copy t to 'out.csv'",
            "\\copy t from pstdin",
            "\\copy t from '~/rows.csv'",
            "\\lo_import photo.jpg",
            "\\o out.txt",
            "\\prompt x",
            "SELECT 1 \\g out.txt",
            "SELECT 1 \\g |cat",
            "\\cd /tmp",
            "SELECT :'HOST';",
            "SELECT pg_read_file('/etc/hostname');",
            "COPY t FROM '/srv/rows.csv';",
            "COPY t FROM PROGRAM 'seq 3';",
            "copy (select 1) to '/tmp/out';",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$BEGIN COPY t FROM '/x'; END$$;",
            "DO $$BEGIN EXECUTE format('COPY t FROM %L', '/x'); END$$;",
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$return 1$$;",
            "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw;",
            "SELECT * FROM dblink('dbname=x', 'SELECT 1') AS t(i int);",
            "CREATE TABLESPACE fast LOCATION '/ssd';",
            "SHOW data_directory;",
        ] {
            assert!(digest_of(&[("a.sql", text)]).is_err(), "{text}");
        }
    }

    #[test]
    fn what_stays_inside_has_one() {
        for text in [
            "SELECT 1;",
            "\\set x 1\n\\if :x\nSELECT :x;\n\\endif",
            "-- COPY t FROM '/x'\nSELECT 1;",
            "COPY t FROM stdin;\npg_read_file\n\\.\n",
            "\\echo done\n\\dt",
            "SELECT 1 \\gexec",
            "CREATE TABLE copy_from (data_directory_id int);",
            "\\copy t from stdin\n1\n\\.\n",
            "SELECT substring('copy' from 1);",
            "/* dblink */ SELECT 1;",
        ] {
            assert!(digest_of(&[("a.sql", text)]).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_large_script_has_none() {
        let rows = "SELECT 1;\n".repeat(2_000_000);
        assert!(digest_of(&[("a.sql", &rows)]).is_err());
    }

    #[test]
    fn the_obstacle_names_its_line() {
        let Err(Obstacle(why)) = digest_of(&[("a.sql", "SELECT 1;\n\n\\! date\n")]) else {
            panic!("an obstacle");
        };
        assert!(why.ends_with("a.sql:3: \\! reaches out of the database"), "{why}");
    }
}
