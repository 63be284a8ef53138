//! Finds out, in one pass and without holding the text, whether a script must be reviewed.

use std::io::Read;
use std::path::Path;

/// The initials of the psql commands to look for: `\i`, `\ir`, `\q`, `\c`, `\set`, `\unset`,
/// `\gset`.
const INITIALS: &[u8] = b"iqcsug";

/// The bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Whether a file has such a command, a `PREPARE`, or `COPY` data without an end.
pub(super) fn found_in(path: &Path) -> bool {
    look(path, Hints { initials: INITIALS, ..Hints::default() })
}

/// Whether a file holds `\if`, `\i` or `\ir`.
pub(super) fn may_branch(path: &Path) -> bool {
    look(path, Hints { initials: b"i", only_commands: true, ..Hints::default() })
}

fn look(path: &Path, mut hints: Hints) -> bool {
    let Ok(mut file) = crate::sys::process::open_regular(path) else { return false };
    let mut chunk = vec![0; CHUNK];
    while let Ok(length @ 1..) = file.read(&mut chunk) {
        if hints.push(&chunk[..length]) {
            return true;
        }
    }
    hints.end()
}

#[derive(Default)]
struct Hints {
    /// The initials of the commands to look for.
    initials: &'static [u8],
    /// Whether nothing else matters.
    only_commands: bool,
    /// The last eight bytes, in lower case.
    recent: u64,
    /// Whether the last byte is a backslash that is not itself quoted by a backslash.
    backslash: bool,
    /// Whether `stdin` or `stdout` was seen, and no end of data after it.
    data: bool,
}

impl Hints {
    /// Takes some bytes. Returns true when the answer is known.
    fn push(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if self.backslash && self.initials.contains(&byte) {
                return true;
            }
            self.backslash = byte == b'\\' && !self.backslash;
            if self.only_commands {
                continue;
            }
            self.recent = self.recent << 8 | u64::from(byte.to_ascii_lowercase());
            if byte == b' ' && self.ends_with(b"prepare ") {
                return true;
            }
            match byte {
                b'n' | b'N' => self.data |= self.ends_with(b"stdin"),
                b't' | b'T' => self.data |= self.ends_with(b"stdout"),
                b'\n' if self.ends_with(b"\n\\.\n") || self.ends_with(b"\n\\.\r\n") => {
                    self.data = false;
                }
                _ => {}
            }
        }
        false
    }

    fn ends_with(&self, text: &[u8]) -> bool {
        self.recent.to_be_bytes().ends_with(text)
    }

    /// Whether the file ends within data.
    fn end(mut self) -> bool {
        self.push(b"\n");
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> bool {
        let mut hints = Hints { initials: INITIALS, ..Hints::default() };
        // a word may be split between two pieces
        text.as_bytes().chunks(3).any(|chunk| hints.push(chunk)) || hints.end()
    }

    #[test]
    fn only_scripts_with_something_to_look_for_are_read() {
        for text in [
            "\\ir a.sql",
            "x\\q\n",
            "\\\\\\q",
            "\\set A b",
            "COPY t FROM StdIn;\n1\n",
            "Prepare transaction 'x'",
        ] {
            assert!(found(text), "{text}");
        }
        let dump = "COPY t FROM stdin;\n1\tC:\\\\quit\\n\\N\n\\.\n";
        for text in
            ["", "SELECT 1;", dump, "COPY t FROM stdin;\r\n1\r\n\\.\r\n", &dump[..dump.len() - 1]]
        {
            assert!(!found(text), "{text}");
        }
    }
}
