//! Parses the settings of a dotenv that other programs read too, each by its own rules.
//!
//! A line of another program may break the grammar, as long as it cannot hide a setting. A setting
//! must follow the grammar and two more rules. A value with blanks needs quotes, because a shell
//! that reads the file would end the value at the blank. And `$NAME` or `${NAME}` outside of single
//! quotes is replaced by the value of a variable.

use std::collections::HashMap;

use super::{DOLLAR, Entry, Parser, Raw, decode, error, is_blank, is_name, quoted_length};
use crate::secret::Secret;
use crate::sys::error::Result;

/// Parses the settings of a dotenv file, in the order of its lines.
///
/// `is_setting` tells the names of settings. `variable` returns values that override those of the
/// file.
///
/// # Errors
/// They begin with `dotenv line N: ` and never contain a value.
pub fn settings(
    content: &[u8],
    is_setting: &dyn Fn(&str) -> bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Entry>> {
    let text = decode(content)?;
    let mut parser = Parser { text: &text, at: 0, line: 1 };
    let mut lines = HashMap::new();
    let mut values: HashMap<String, String> = HashMap::new();
    let mut entries = Vec::new();
    while parser.next_entry() {
        let (at, line) = (parser.at, parser.line);
        let ours = names_setting(parser.rest_of_line(), is_setting);
        let raw = match parser.entry() {
            Err(error) if ours => return Err(error),
            Err(_) => {
                (parser.at, parser.line) = (at, line);
                parser.pass_over()?;
                check_hidden(&text[at..parser.at], line, is_setting)?;
                continue;
            }
            Ok(raw) => raw,
        };
        let lookup = |name: &str| variable(name).or_else(|| values.get(name).cloned());
        if !ours {
            check_hidden(&text[at..parser.at], line, is_setting)?;
            let value = expand(&raw, line, &|name| Some(lookup(name).unwrap_or_default()))?;
            values.insert(raw.name, value);
            continue;
        }
        if raw.quote.is_none() && raw.text.contains(is_blank) {
            return Err(error(line, "a value with blanks needs quotes"));
        }
        let value = expand(&raw, line, &lookup)?;
        let name = raw.name;
        if let Some(first) = lines.insert(name.clone(), line) {
            return Err(error(line, &format!("duplicate name {name} (first on line {first})")));
        }
        values.insert(name.clone(), value.clone());
        entries.push(Entry { name, value: Secret::new(value) });
    }
    Ok(entries)
}

impl Parser<'_> {
    /// Skips the assignment of another program.
    fn pass_over(&mut self) -> Result<()> {
        let line = self.rest_of_line();
        let value =
            line.split_once('=').map_or("", |(_, value)| value.trim_start_matches(is_blank));
        if let Some(quote) = value.chars().next().filter(|first| matches!(first, '\'' | '"')) {
            let start = self.at + line.len() - value.len() + 1;
            let unterminated = || error(self.line, "unterminated quote");
            let length = quoted_length(&self.text[start..], quote).ok_or_else(unterminated)?;
            let body = &self.text[start..start + length];
            self.at = start + length + 1;
            self.line += body.matches('\n').count();
        }
        self.next_line();
        Ok(())
    }
}

/// Refuses a line of another program that contains a setting.
fn check_hidden(text: &str, line: usize, is_setting: &dyn Fn(&str) -> bool) -> Result<()> {
    let mut within = text.split(['\n', '\r']).zip(line..).skip(1);
    match within.find(|(text, _)| names_setting(text, is_setting)) {
        Some((_, hidden)) => Err(error(
            line,
            &format!("the text that begins here hides the setting on line {hidden}"),
        )),
        None => Ok(()),
    }
}

/// Whether a line, well-formed or not, names a setting.
fn names_setting(line: &str, is_setting: &dyn Fn(&str) -> bool) -> bool {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let (before, assigns) = match line.split_once('=') {
        Some((before, _)) => (before, true),
        None => (line, false),
    };
    if before.trim_start().starts_with('#') {
        return false;
    }
    // `set NAME=`, or a byte order mark in the middle of the file
    let last = before.trim_end().rsplit(|c| !belongs(c)).next().unwrap_or_default();
    // `NAME: value`
    let first = before.trim_start().split(|c| !belongs(c)).next().unwrap_or_default();
    let is_yaml = before.trim_start()[first.len()..].trim_start().starts_with(':');
    (assigns && is_setting(last)) || (is_yaml && is_setting(first)) || is_setting(before.trim())
}

/// Replaces the variables in the value.
fn expand(raw: &Raw, line: usize, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String> {
    let mut value = String::new();
    let mut rest = match raw.quote {
        Some('\'') => return Ok(raw.text.clone()),
        _ => raw.text.as_str(),
    };
    while let Some((before, after)) = rest.split_once('$') {
        value.push_str(before);
        let braced = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let bare = after.split_at(end.unwrap_or(after.len()));
        let (name, behind) = braced.unwrap_or(bare);
        rest = if is_name(name) {
            let found = lookup(name).ok_or_else(|| {
                error(line, &format!("{name} is not set; single quotes keep a dollar sign"))
            })?;
            value.push_str(&found);
            behind
        } else {
            value.push('$');
            after
        };
    }
    value.push_str(rest);
    Ok(value.replace(DOLLAR, "$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<String> {
        let is_setting = |name: &str| matches!(name, "DB_URL" | "PG_PORT");
        let variable = |name: &str| (name == "HOME").then(|| "/me".to_owned());
        let entries = settings(content, &is_setting, &variable)?;
        let each = entries.iter().map(|e| format!("{}={}", e.name, e.value.expose()));
        Ok(each.collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn lines_of_other_programs_hide_no_setting() {
        for before in [
            "GREETING=it's fine",
            "# don't",
            "A='a' # it's",
            "A='a'b",
            "A=\"\\d\"",
            "A='two\nlines'",
            "JSON={\"a\": \"it's\"}",
            "export A",
            "A: yaml",
            "KEY=-----BEGIN KEY-----\nabc=\n-----END KEY-----",
            "A=1\nA=2",
            "A=pa$$word $X ${Y-z}",
            "1A=\u{e9}",
        ] {
            for (mark, end) in [("", "\n"), ("\u{feff}", "\n"), ("\u{feff}", "\r\n")] {
                let text = format!("{mark}{before}\nDB_URL=x\n").replace('\n', end);
                assert_eq!(read(text.as_bytes()).as_deref(), Ok("DB_URL=x"), "{text:?}");
            }
        }
    }

    #[test]
    fn settings_are_taken_or_refused_with_their_line() {
        for (text, expected) in [
            ("DB_URL = 'x y' # it's", "DB_URL=x y"),
            ("export PG_PORT=1", "PG_PORT=1"),
            ("DB_URL=a#1 # b", "DB_URL=a#1"),
            ("DB_URL=", "DB_URL="),
            ("PG_PORT=1\nDB_URL=h:$PG_PORT/${HOME}", "PG_PORT=1|DB_URL=h:1//me"),
            ("HOST=a$HOME\nDB_URL=\"$HOST \\$HOME\"", "DB_URL=a/me $HOME"),
            ("DB_URL='$HOME'", "DB_URL=$HOME"),
            ("DB_URL=a$", "DB_URL=a$"),
        ] {
            assert_eq!(read(text.as_bytes()).as_deref(), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("\nDB_URL=s3cr3t s3cr3t", "line 2: a value with blanks needs quotes"),
            ("DB_URL='s3cr3t", "line 1: unterminated single quote"),
            ("A=\"s3cr3t\nDB_URL=x", "line 1: unterminated quote"),
            (
                "A='s3cr3t\nDB_URL=x\n# don't",
                "line 1: the text that begins here hides the setting on line 2",
            ),
            (
                "A='s3cr3t\nDB_URL=x\n'",
                "line 1: the text that begins here hides the setting on line 2",
            ),
            ("A=1\rDB_URL=x", "line 1: the text that begins here hides the setting on line 2"),
            ("DB_URL=x\n\nDB_URL=s3cr3t", "line 3: duplicate name DB_URL (first on line 1)"),
            ("A=1\n\u{feff}DB_URL=s3cr3t", "line 2: invalid name"),
            ("set DB_URL=s3cr3t", "line 1: expected NAME=value"),
            ("DB_URL: s3cr3t", "line 1: expected NAME=value"),
            ("DB_URL", "line 1: expected NAME=value"),
            ("DB_URL='a's3cr3t", "line 1: text after the closing quote"),
            ("DB_URL=s3cr3t$NOWHERE", "line 1: NOWHERE is not set"),
            ("A=\nB=\0", "line 2: NUL byte"),
        ] {
            let error = read(text.as_bytes()).expect_err(text);
            let message = error.message();
            assert!(message.starts_with(&format!("dotenv {expected}")), "{text:?}: {message}");
            assert!(!message.contains("s3cr3t"), "{message}");
        }
        assert!(read(b"\xff\xfeD\0B\0").is_err(), "UTF-16");
    }
}
