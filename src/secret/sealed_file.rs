//! A sealed dotenv, which may lie in a repository: names in plain text, values sealed.
//!
//! ```text
//! # hectic sealed dotenv v1 …
//! NAME=sealed:v1:BASE64
//! ```
//!
//! There is one line for each name, in the order of the original dotenv. Two seals of the same
//! value differ, so the line of an unchanged value is kept: a reviewer sees only the changed
//! values. A line that was moved to another name does not open.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::Secret;
use super::dotenv::{self, Entry};
use super::key::KeyRing;
use crate::sys::error::{Error, Result};

/// The beginning of the first line.
const MARK: &str = "# hectic sealed dotenv";
const HEADER: &str = "# hectic sealed dotenv v1: made by `database secrets seal`, opened with HECTIC_SECRET_KEY_FILE\n";
/// The beginning of each value.
const PREFIX: &str = "sealed:v1:";

/// A line of the file.
struct Line<'a> {
    number: usize,
    name: &'a str,
    sealed: Vec<u8>,
}

/// Whether this is a sealed dotenv, even a damaged one.
pub fn is_sealed(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let is_line =
        |line: &str| line.split_once('=').is_some_and(|(_, value)| value.starts_with(PREFIX));
    text.starts_with(MARK) || text.lines().any(is_line)
}

/// Whether a value has the form of the values in a sealed dotenv of any version.
pub fn is_sealed_value(value: &Secret) -> bool {
    value.expose().starts_with("sealed:v")
}

/// Opens the entries of a sealed dotenv.
///
/// # Errors
/// They begin with `dotenv line N: ` and never contain a value.
pub fn open(content: &[u8], ring: &KeyRing) -> Result<Vec<Entry>> {
    let entry = |line: Line<'_>| {
        let value = ring.open(line.name, &line.sealed);
        let value = value.map_err(|error| error.context(format!("dotenv line {}", line.number)))?;
        Ok(Entry { name: line.name.to_owned(), value })
    };
    lines(content)?.into_iter().map(entry).collect()
}

/// Makes the text of a sealed dotenv. A value that `previous` holds under the ring's first key
/// keeps its line.
pub fn seal(entries: &[Entry], previous: Option<&[u8]>, ring: &KeyRing) -> Result<String> {
    let before = previous.map(lines).transpose()?.unwrap_or_default();
    let before: HashMap<&str, &[u8]> =
        before.iter().map(|line| (line.name, line.sealed.as_slice())).collect();
    let mut text = HEADER.to_owned();
    for Entry { name, value } in entries {
        let sealed = ring.reseal(name, value, before.get(name.as_str()).copied())?;
        text.push_str(&format!("{name}={PREFIX}{}\n", BASE64_STANDARD.encode(sealed)));
    }
    Ok(text)
}

fn lines(content: &[u8]) -> Result<Vec<Line<'_>>> {
    let mut found: Vec<Line<'_>> = Vec::new();
    let mut first = HashMap::new();
    for (number, line) in (1..).zip(content.split(|&byte| byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let refuse = |what: String| Error::failed(format!("dotenv line {number}: {what}"));
        let line = std::str::from_utf8(line).ok().and_then(|line| parse(number, line));
        let line =
            line.ok_or_else(|| refuse(format!("expected NAME={PREFIX}… in a sealed dotenv")))?;
        if let Some(earlier) = first.insert(line.name, number) {
            let name = line.name;
            return Err(refuse(format!("duplicate name {name} (first on line {earlier})")));
        }
        found.push(line);
    }
    Ok(found)
}

fn parse(number: usize, line: &str) -> Option<Line<'_>> {
    let (name, value) = line.split_once('=')?;
    let sealed = BASE64_STANDARD.decode(value.strip_prefix(PREFIX)?).ok()?;
    dotenv::is_name(name).then_some(Line { number, name, sealed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn ring(digit: &str) -> KeyRing {
        KeyRing::parse(digit.repeat(64).as_bytes()).unwrap()
    }

    fn entries(pairs: &[(&str, &str)]) -> Vec<Entry> {
        let entry = |(name, value): &(&str, &str)| Entry {
            name: (*name).to_owned(),
            value: Secret::new(*value),
        };
        pairs.iter().map(entry).collect()
    }

    #[test]
    fn what_was_sealed_opens_and_what_has_not_changed_keeps_its_line() {
        let ring = ring("a");
        let first = entries(&[("A", "one"), ("B", ""), ("C.c", "line\nline = 'x'")]);
        let text = seal(&first, None, &ring).unwrap();
        assert!(is_sealed(text.as_bytes()) && !text.contains("one"), "{text}");
        assert_eq!(open(text.as_bytes(), &ring).unwrap(), first);
        let second = entries(&[("B", ""), ("A", "two"), ("C.c", "line\nline = 'x'"), ("D", "d")]);
        let again = seal(&second, Some(text.as_bytes()), &ring).unwrap();
        let kept: Vec<&str> = again.lines().filter(|line| text.contains(*line)).collect();
        assert_eq!(kept.len(), 3, "the header, B and C.c\n{again}");
        assert_eq!(open(again.as_bytes(), &ring).unwrap(), second);
    }

    #[test]
    fn another_key_seals_everything_anew() {
        let (one, other) = (ring("a"), ring("b"));
        let first = entries(&[("A", "one")]);
        let text = seal(&first, None, &one).unwrap();
        let anew = seal(&first, Some(text.as_bytes()), &other).unwrap();
        assert_ne!(text, anew);
        assert!(open(anew.as_bytes(), &one).is_err());
        assert_eq!(open(anew.as_bytes(), &other).unwrap(), first);
    }

    #[test]
    fn what_is_damaged_is_told_with_its_line_and_no_value() {
        let ring = ring("a");
        let text = seal(&entries(&[("A", "one"), ("B", "two")]), None, &ring).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let swapped = format!("{}\n{}", lines[1].replace("A=", "B="), lines[2].replace("B=", "A="));
        let plain = format!("{}\n{}\nC=hunter2", lines[0], lines[1]);
        let twice = format!("{text}{}", lines[1]);
        let conflict = format!("{}\n<<<<<<< ours\n{}", lines[0], lines[1]);
        for (text, expected) in [
            (swapped.as_str(), "dotenv line 1: secret \"B\" does not open"),
            (&plain, "dotenv line 3: expected NAME=sealed:v1:"),
            (&twice, "dotenv line 4: duplicate name A (first on line 2)"),
            (&conflict, "dotenv line 2: expected NAME="),
            (&text[..text.len() - 9], "dotenv line 3: "),
        ] {
            assert!(is_sealed(text.as_bytes()));
            let error = open(text.as_bytes(), &ring).unwrap_err();
            assert!(error.message().starts_with(expected), "{}", error.message());
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        assert!(!is_sealed(b"A=sealed\nB=c\n"));
    }
}
