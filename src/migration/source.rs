//! A migration's file with all files that it includes.
//!
//! psql reads `\i` and `\ir` only when it runs them. That is too late: the migrator must know
//! before the first statement whether a file is missing, includes itself or has changed. So this
//! module follows the includes as psql would, and the checksum covers all files.

use std::path::{Path, PathBuf};

use crate::postgres::psql::lexer;
use crate::postgres::psql::lexer::{Item, Meta, Script};
use crate::sys::digest::sha256;
use crate::sys::error::{Context, Error, Kind, Result};

/// The beginning of a first line that contains a directive.
const DIRECTIVE: &str = "-- migrator:";

#[derive(Debug)]
pub struct Part {
    /// The path that psql gets.
    pub path: PathBuf,
    pub text: String,
    /// The includes in the text.
    pub includes: Vec<Include>,
}

/// An include of another file.
#[derive(Debug)]
pub struct Include {
    /// The position of the command in the text.
    pub span: std::ops::Range<usize>,
    /// The index of the included part.
    pub part: usize,
}

/// A file and the files that it includes, each once, in the order of the first inclusion.
#[derive(Debug)]
pub struct Source {
    /// The files. The first one is the file itself.
    pub parts: Vec<Part>,
}

impl Source {
    /// Reads `file`. Relative paths of `\i` start at `base`, those of `\ir` at the directory of the
    /// including file.
    ///
    /// # Errors
    /// `Conflict` for a file that includes itself and for an include whose path is not a literal;
    /// also the errors of reading a file.
    pub fn load(file: &Path, base: &Path) -> Result<Self> {
        let mut loading = Loading::new(base, false);
        loading.load(file.to_owned())?;
        Ok(Self { parts: loading.parts })
    }

    /// Reads the parts that can be read. Leaves out an include whose path only psql can compute.
    pub fn reachable(file: &Path, base: &Path) -> Vec<Part> {
        let mut loading = Loading::new(base, true);
        // keep the parts that were read before an error
        let _ = loading.load(file.to_owned());
        loading.parts
    }

    /// The paths of these parts, and those of included files that cannot be read.
    pub fn named(file: &Path, base: &Path) -> Vec<PathBuf> {
        let mut loading = Loading::new(base, true);
        let _ = loading.load(file.to_owned());
        let parts = loading.parts.into_iter().map(|part| part.path);
        parts.chain(loading.unread).collect()
    }

    pub fn entry(&self) -> &Part {
        &self.parts[0]
    }

    /// The text with all includes replaced by the text of the files, for people to read.
    pub fn flat(&self) -> String {
        self.flat_part(0)
    }

    fn flat_part(&self, number: usize) -> String {
        let part = &self.parts[number];
        let mut flat = String::new();
        let mut from = 0;
        for include in &part.includes {
            flat.push_str(&part.text[from..include.span.start]);
            flat.push_str(self.flat_part(include.part).trim_end());
            from = include.span.end;
        }
        flat + &part.text[from..]
    }

    /// SHA-256 in lower-case hexadecimal digits. For a file without includes, it is the digest of
    /// its bytes; otherwise, the digest of the digests of all parts.
    pub fn checksum(&self) -> String {
        digest(self.parts.iter().map(|part| sha256(part.text.as_bytes())).collect())
    }

    /// The checksum of the texts without comments and byte order marks and with uniform line ends.
    ///
    /// # Errors
    /// `Conflict` for a text that ends within a quotation.
    pub fn normalized_checksum(&self) -> Result<String> {
        let normalized = |part: &Part| {
            let text = lexer::normalize(&part.text).map_err(|error| unterminated(part, &error))?;
            Ok(sha256(text.as_bytes()))
        };
        Ok(digest(self.parts.iter().map(normalized).collect::<Result<_>>()?))
    }

    /// Whether the migrator runs it in a transaction: yes, unless the first line has the directive
    /// `no-transaction`.
    ///
    /// # Errors
    /// `Conflict` for an unknown directive.
    pub fn is_transactional(&self) -> Result<bool> {
        let entry = self.entry();
        let first = entry.text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
        let Some(directive) = first.strip_prefix(DIRECTIVE) else { return Ok(true) };
        match directive.trim() {
            "no-transaction" => Ok(false),
            other => Err(Error::conflict(format!(
                "{}:1: `{other}` is not a directive of the migrator",
                entry.path.display()
            ))
            .hint("the only directive is: -- migrator: no-transaction")),
        }
    }
}

impl Part {
    /// Splits the text as psql does.
    ///
    /// # Errors
    /// `Conflict` for a text that ends within a quotation.
    pub fn scan(&self) -> Result<Script> {
        lexer::scan(&self.text).map_err(|error| unterminated(self, &error))
    }
}

fn unterminated(part: &Part, error: &lexer::Unterminated) -> Error {
    Error::conflict(format!("{}:{}: unterminated {}", part.path.display(), error.line, error.what))
        .hint("close it; psql would take the rest of the file as a part of it")
}

/// The result of comparing a file with the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileMatch {
    /// Nothing differs, or there is no file to compare.
    Exactly,
    /// The file differs only in comments, the byte order mark or line ends.
    ButComments(PathBuf),
    /// The SQL differs.
    Changed(PathBuf),
}

struct Loading<'a> {
    base: &'a Path,
    parts: Vec<Part>,
    /// The canonical paths of the files that are being read, outermost first.
    open: Vec<PathBuf>,
    /// Skip includes that cannot be followed.
    lenient: bool,
    /// The paths of skipped includes.
    unread: Vec<PathBuf>,
}

impl<'a> Loading<'a> {
    fn new(base: &'a Path, lenient: bool) -> Self {
        Self { base, parts: Vec::new(), open: Vec::new(), lenient, unread: Vec::new() }
    }

    /// Loads a file and its includes. Returns the index of its part.
    fn load(&mut self, path: PathBuf) -> Result<usize> {
        let known = self.parts.iter().position(|part| part.path == path);
        let number = match known {
            Some(number) => number,
            None => {
                let text = read(&path)?;
                self.parts.push(Part { path: path.clone(), text, includes: Vec::new() });
                self.parts.len() - 1
            }
        };
        // most files include nothing, so they need neither the lexer nor their canonical path
        if self.parts[number].text.contains("\\i") {
            // two paths may name the same file
            let real = std::fs::canonicalize(&path).unwrap_or(path);
            self.refuse_circle(&real)?;
            if known.is_none() {
                self.open.push(real);
                self.follow(number)?;
                self.open.pop();
            }
        }
        Ok(number)
    }

    fn refuse_circle(&self, real: &PathBuf) -> Result<()> {
        let Some(at) = self.open.iter().position(|open| open == real) else { return Ok(()) };
        let circle = self.open[at..].iter().chain([real]).map(|path| path.display().to_string());
        let circle = circle.collect::<Vec<_>>().join(" → ");
        Err(Error::conflict(format!("{} includes itself", real.display()))
            .detail(circle)
            .hint("remove one of these includes"))
    }

    fn follow(&mut self, number: usize) -> Result<()> {
        let script = self.parts[number].scan()?;
        for item in script.items {
            let Item::Meta(meta) = item else { continue };
            if !matches!(meta.command.as_str(), "i" | "include" | "ir" | "include_relative") {
                continue;
            }
            let from = self.parts[number].path.clone();
            let target = self.target(&from, &meta);
            let included = target.clone().and_then(|target| {
                let place = || format!("{}:{}: cannot include", from.display(), meta.line);
                self.load(target).context(place())
            });
            match included {
                Ok(part) => self.parts[number].includes.push(Include { span: meta.span, part }),
                Err(_) if self.lenient => self.unread.extend(target),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn target(&self, from: &Path, meta: &Meta) -> Result<PathBuf> {
        let place = format!("{}:{}", from.display(), meta.line);
        let Some(argument) = meta.arguments.first() else {
            return Err(Error::conflict(format!(
                "{place}: \\{} does not name a file",
                meta.command
            ))
            .hint("write the file's path after it"));
        };
        let Some(value) = &argument.value else {
            return Err(Error::conflict(format!(
                "{place}: the path of \\{} {} is known only when psql runs it",
                meta.command, argument.raw
            ))
            .hint("write a literal path, because the checksum covers included files"));
        };
        // psql removes semicolons without quotes at the end
        let semicolons = argument.raw.len() - argument.raw.trim_end_matches(';').len();
        let path = &value[..value.len() - semicolons];
        if path == "-" {
            return Err(Error::conflict(format!(
                "{place}: `\\{} -` reads the standard input, which is not the migration's",
                meta.command
            ))
            .hint("put the SQL into the migration or into a file"));
        }
        let relative = meta.command.starts_with("ir") || meta.command == "include_relative";
        let directory = if relative { from.parent().unwrap_or(Path::new("")) } else { self.base };
        Ok(directory.join(path))
    }
}

fn read(path: &Path) -> Result<String> {
    // psql would read a pipe or a terminal again, and the migrator talks to psql through a pipe
    if path.exists() && !path.is_file() {
        return Err(Error::conflict(format!("{} is not a regular file", path.display()))
            .hint("include files only"));
    }
    let bytes = crate::sys::process::read_regular(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let error = Error::io("read", path, &error);
        if missing {
            error.with_kind(Kind::Missing).hint("create it, or correct its path")
        } else {
            error
        }
    })?;
    let place = |bytes: &[u8], at: usize| {
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}", path.display())
    };
    // psql would drop the rest of the line, with its end, and join the next line to this one
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Error::conflict(format!("{}: the text holds a zero byte", place(&bytes, at)))
            .hint("remove it, or convert the file: iconv -f UTF-16 -t UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = place(error.as_bytes(), error.utf8_error().valid_up_to());
        Error::conflict(format!("{place}: the text is not UTF-8"))
            .hint("convert the file: iconv -f LATIN1 -t UTF-8")
    })
}

/// The digest of one part, or of the digests of several parts.
fn digest(mut parts: Vec<String>) -> String {
    match parts.len() {
        1 => parts.remove(0),
        _ => sha256(parts.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Source>) {
        let root = tempfile::tempdir().expect("temporary directory");
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let source = Source::load(&root.path().join(files[0].0), root.path());
        (root, source)
    }

    #[test]
    fn a_file_alone_has_the_checksum_of_its_bytes() {
        let (_root, source) = load(&[("up.sql", "SELECT 1;\n")]);
        // as sha256sum prints it
        let expected = "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd";
        assert_eq!(source.expect("read").checksum(), expected);
    }

    #[test]
    fn includes_are_followed_and_counted_once() {
        let files = [
            ("up/entrypoint.sql", "\\ir a.sql\n\\i up/b.sql\n\\ir a.sql\n"),
            ("up/a.sql", "\\ir b.sql\n"),
            ("up/b.sql", "SELECT 1;"),
        ];
        let (_root, source) = load(&files);
        let source = source.expect("read");
        assert_eq!(source.parts.len(), 3, "{source:?}");
        let first = source.checksum();
        let (_root, changed) = load(&[files[0], files[1], ("up/b.sql", "SELECT 2;")]);
        assert_ne!(changed.expect("read").checksum(), first);
    }

    #[test]
    fn a_semicolon_after_a_path_is_not_part_of_it() {
        for (line, name) in
            [("\\ir b.sql;", "b.sql"), ("\\ir 'b;'.sql;;", "b;.sql"), ("\\ir 'b;'", "b;")]
        {
            let (_root, source) = load(&[("a.sql", line), (name, "SELECT 1;")]);
            assert_eq!(source.expect(line).parts.len(), 2);
        }
    }

    #[test]
    fn what_cannot_be_included_is_refused() {
        for (files, word) in [
            (&[("a.sql", "\\ir b.sql"), ("b.sql", "\\ir a.sql")][..], "includes itself"),
            (&[("a.sql", "\\ir gone.sql")], "gone.sql"),
            (&[("a.sql", "\\ir :file")], "known only when psql runs it"),
            (&[("a.sql", "\\i /dev/stdin")], "not a regular file"),
            (&[("a.sql", "\\ir")], "does not name a file"),
            (&[("a.sql", "\\i -;")], "reads the standard input"),
        ] {
            let (_root, source) = load(files);
            let error = source.expect_err(word);
            assert!(error.message().contains(word), "{error}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join("up.sql");
        for (bytes, words) in [
            (&b"-- a\n-- \0 b\nC;"[..], ":2: the text holds a zero byte"),
            (b"'\xe9'", ":1: the text is not"),
        ] {
            std::fs::write(&file, bytes).expect("written");
            let error = Source::load(&file, root.path()).expect_err(words);
            assert!(error.message().contains(words), "{error}");
        }
    }

    #[test]
    fn the_first_line_decides_on_the_transaction() {
        for (text, expected) in [
            ("SELECT 1;", Some(true)),
            ("-- migrator: no-transaction\nVACUUM;", Some(false)),
            ("\u{feff}-- migrator:no-transaction\r\nVACUUM;", Some(false)),
            ("\n-- migrator: no-transaction", Some(true)),
            ("-- migrator: no-transactions", None),
        ] {
            let (_root, source) = load(&[("up.sql", text)]);
            assert_eq!(source.expect("read").is_transactional().ok(), expected, "{text:?}");
        }
    }
}
