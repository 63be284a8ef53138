//! Recognises semicolons that do not end a statement: in parentheses and in `BEGIN ATOMIC … END`
//! bodies.
//!
//! psql does not parse SQL. In a statement that begins with `CREATE [OR REPLACE]
//! {FUNCTION|PROCEDURE}`, it counts `BEGIN`, `CASE` and `END` outside of parentheses. This module
//! counts in the same way and so makes the same mistakes.

/// The nesting at a place of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Nesting {
    parentheses: usize,
    brackets: usize,
    blocks: usize,
    words: usize,
    /// The initials of the first words, which tell whether the statement defines a function.
    initials: [u8; 4],
}

impl Nesting {
    /// Counts a word.
    pub(super) fn word(&mut self, word: &str) {
        const DEFINING: [&str; 5] = ["create", "function", "procedure", "or", "replace"];
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if let Some(initial) = self.initials.get_mut(self.words)
            && DEFINING.into_iter().any(is)
        {
            *initial = word.as_bytes()[0].to_ascii_lowercase();
        }
        self.words += 1;
        if self.parentheses > 0 || !self.defines_function() {
            return;
        }
        if is("begin") || (is("case") && self.blocks > 0) {
            self.blocks += 1;
        } else if is("end") {
            self.blocks = self.blocks.saturating_sub(1);
        }
    }

    /// Counts a bracket or parenthesis. Ignores other symbols.
    pub(super) fn symbol(&mut self, symbol: &str) {
        match symbol {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            "[" => self.brackets += 1,
            "]" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
    }

    /// Forgets the words of a statement that ended with `\;`.
    pub(super) fn combine(&mut self) {
        self.words = 0;
        self.initials = [0; 4];
        self.brackets = 0;
    }

    /// Whether a semicolon here belongs to the statement.
    pub(super) fn holds_semicolon(&self) -> bool {
        self.parentheses > 0 || self.blocks > 0
    }

    /// Whether the lexer is within parentheses.
    pub(super) fn in_parentheses(&self) -> bool {
        self.parentheses > 0
    }

    /// Whether the lexer is within `[ ]`.
    pub(super) fn in_brackets(&self) -> bool {
        self.brackets > 0
    }

    fn defines_function(&self) -> bool {
        matches!(&self.initials, [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p'])
    }
}
