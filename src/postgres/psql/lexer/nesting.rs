//! What keeps a semicolon from ending a statement: parentheses and `BEGIN ATOMIC … END` bodies.
//!
//! psql is no parser. It takes a statement whose first words are `CREATE [OR REPLACE]
//! {FUNCTION|PROCEDURE}` and counts `BEGIN`, `CASE` and `END` in it, outside of parentheses. The
//! same counting is done here, so that its mistakes are made alike.

/// How deep in a statement the lexer is.
#[derive(Debug, Clone, Default)]
pub(super) struct Nesting {
    parentheses: usize,
    brackets: usize,
    blocks: usize,
    words: usize,
    /// Initials of the first words that may begin the definition of a function.
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

    /// Counts a bracket; other symbols do nothing.
    pub(super) fn symbol(&mut self, symbol: &str) {
        match symbol {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            "[" => self.brackets += 1,
            "]" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
    }

    /// Forgets the words of a statement that `\;` ended.
    pub(super) fn combine(&mut self) {
        self.words = 0;
        self.initials = [0; 4];
        self.brackets = 0;
    }

    /// Whether a semicolon is part of the statement.
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
