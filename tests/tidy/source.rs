//! The files of the repository, with Rust analysed as far as the rules need it.
//!
//! A rule about code must not stumble over a comment or a string that talks about code. So a small
//! scanner writes the text once more with comments and the content of literals replaced by blanks,
//! line for line, and keeps the string literals beside it. Test modules are blanked in both.

use std::fs;
use std::path::Path;

/// Extensions of the files that the rules read.
const EXTENSIONS: [&str; 8] = ["md", "nix", "rs", "run", "sh", "sql", "toml", "yml"];
/// Directories that the rules do not read: build products, and fixtures that break rules on
/// purpose.
const SKIPPED: [&str; 4] = ["target", ".git", "tests/fixture", "tests/golden"];

/// One file.
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// The text, unchanged.
    pub(crate) text: String,
    /// Rust without comments, literals and test modules; empty for other files.
    pub(crate) code: String,
    /// String literals outside tests, with the line on which each begins.
    pub(crate) strings: Vec<(usize, String)>,
}

/// Every file below `root` that the rules look at.
pub(crate) fn all(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found
}

fn walk(root: &Path, directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if SKIPPED.contains(&name.as_str()) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, found);
        } else if name == ".ci/run" || EXTENSIONS.iter().any(|e| name.ends_with(&format!(".{e}"))) {
            found.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

impl Source {
    /// Analyses `text`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, strings) = if path.ends_with(".rs") { scan(text) } else { Default::default() };
        let tests = if is_test_file(path) { vec![(1, usize::MAX)] } else { test_modules(&code) };
        let tested =
            |line: usize| tests.iter().any(|(first, last)| (*first..=*last).contains(&line));
        let in_src = path.starts_with("src/");
        let code = code.lines().enumerate();
        let code = code.map(|(i, line)| if in_src && tested(i + 1) { "" } else { line });
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: code.collect::<Vec<_>>().join("\n"),
            strings: strings.into_iter().filter(|(line, _)| !in_src || !tested(*line)).collect(),
        }
    }

    /// Whether the file is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file belongs to that module: it is below the directory, or it is the module's
    /// file.
    pub(crate) fn is_module(&self, module: &str) -> bool {
        let rest = self.path.strip_prefix("src/").and_then(|p| p.strip_prefix(module));
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }
}

/// A file that holds nothing but a test module.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") && path.starts_with("src/")
}

/// The first and last line of every item that only tests use.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let first = code[..at].matches('\n').count() + 1;
        let item = &code[at + attribute.len()..];
        found.push((first, first + item[..end_of_item(item)].matches('\n').count()));
    }
    found
}

/// The end of the item that begins the text: its `;` or the brace that closes its body.
fn end_of_item(item: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at,
            '}' => depth -= 1,
            ';' if depth == 0 => return at,
            _ => {}
        }
    }
    item.len()
}

/// The code without comments and literals, and the string literals.
fn scan(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut code, mut strings) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = token(rest, code.chars().next_back());
        let (length, content) = match token {
            Token::Code => (first.len_utf8(), None),
            Token::Comment(length) | Token::Char(length) => (length, Some(0..0)),
            Token::Text(length, content) => (length, Some(content)),
        };
        match content {
            None => code.push(first),
            Some(content) => {
                if !content.is_empty() {
                    let line = code.matches('\n').count() + 1;
                    strings.push((line, rest[content].to_owned()));
                }
                code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            }
        }
        rest = &rest[length..];
    }
    (code, strings)
}

/// The kind of the token with which a text begins, and its length in bytes.
enum Token {
    Code,
    Comment(usize),
    Char(usize),
    Text(usize, std::ops::Range<usize>),
}

fn token(rest: &str, before: Option<char>) -> Token {
    let starts_word = !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = rest.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(rest.len());
    let after = &rest[prefix..];
    if rest.starts_with("//") {
        return Token::Comment(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Token::Comment(block_comment(rest));
    }
    if starts_word && prefix <= 2 && rest[..prefix].ends_with('r') && is_raw(after) {
        return raw_string(rest, prefix);
    }
    if starts_word && prefix <= 1 && after.starts_with('"') {
        return plain_string(rest, prefix);
    }
    match rest.starts_with('\'').then(|| char_literal(rest)).flatten() {
        Some(length) => Token::Char(length),
        None => Token::Code,
    }
}

fn is_raw(after: &str) -> bool {
    after.trim_start_matches('#').starts_with('"')
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &str, prefix: usize) -> Token {
    let hashes = rest[prefix..].find('"').unwrap_or_default();
    let (begin, close) = (prefix + hashes + 1, format!("\"{}", "#".repeat(hashes)));
    let end = rest[begin..].find(&close).map_or(rest.len(), |at| begin + at);
    Token::Text((end + close.len()).min(rest.len()), begin..end)
}

fn plain_string(rest: &str, prefix: usize) -> Token {
    let begin = prefix + 1;
    let mut escaped = false;
    for (at, c) in rest[begin..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Token::Text(begin + at + 1, begin..begin + at),
            _ => {}
        }
    }
    Token::Text(rest.len(), begin..rest.len())
}

/// The length of a character literal; `None` for a lifetime.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest[1..].chars().next()?;
    if inner == '\\' {
        return rest[3..].find('\'').map(|at| at + 4);
    }
    let end = 1 + inner.len_utf8();
    rest[end..].starts_with('\'').then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_not_code() {
        let text = "a // std::env\n/* x /* y */ z */ b \"env::var \\\" c\" 'd' '\\'' &'e f\n";
        let (code, strings) = scan(text);
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "&'e", "f"]);
        assert_eq!(strings, [(2, "env::var \\\" c".to_owned())]);
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn raw_and_byte_strings_end_where_they_end() {
        let (code, strings) = scan("r#\"a \" b\"# x b\"c\" br\"d\" for\"e\" r\"\"");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["x", "for\"e\""]);
        let strings: Vec<&str> = strings.iter().map(|(_, s)| s.as_str()).collect();
        assert_eq!(strings, ["a \" b", "c", "d"]);
    }

    #[test]
    fn test_modules_are_left_out_and_what_follows_is_not() {
        let text = "one();\n#[cfg(test)]\nmod tests {\n    fn f() { \"two\"; }\n}\nthree();\n";
        let source = Source::new("src/a.rs", text);
        assert_eq!(source.code.split_whitespace().collect::<Vec<_>>(), ["one();", "three();"]);
        assert!(source.strings.is_empty());
        let declared = Source::new("src/a.rs", "#[cfg(test)]\nmod tests;\nfour();\n");
        assert_eq!(declared.code.trim(), "four();");
        assert_eq!(Source::new("src/a/tests.rs", "five();").code.trim(), "");
    }
}
