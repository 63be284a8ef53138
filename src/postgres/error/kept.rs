//! The kept lines of a message.

/// The bytes of a statement, and of the message before it, that are kept.
pub(super) const KEPT: usize = 64 * 1024;

/// The beginning of a text, and the number of its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) text: String,
    /// The line ends in the complete text, also in the part that is not kept.
    pub(super) newlines: usize,
    pub(super) cut: bool,
}

impl Kept {
    pub(super) fn new(first: &str) -> Self {
        let mut kept = Self::default();
        kept.append(first);
        kept
    }

    pub(super) fn push(&mut self, line: &str) {
        self.newlines += 1;
        self.append("\n");
        self.append(line);
    }

    pub(super) fn append(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let room = KEPT.saturating_sub(self.text.len());
        let end = floor_char_boundary(text, room);
        self.text.push_str(&text[..end]);
        self.cut = end < text.len();
    }

    pub(super) fn into_lines(self, prefix: &str) -> Vec<String> {
        let mut lines: Vec<String> =
            format!("{prefix}{}", self.text).split('\n').map(str::to_owned).collect();
        if self.cut {
            lines.push(format!("... ({} lines in all)", self.newlines + 1));
        }
        lines
    }
}

/// The last character boundary of `text` at or before `index`.
pub(super) fn floor_char_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
