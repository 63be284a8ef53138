//! The tables in which psql shows query results, unless a script sets `\pset tuples_only`.

/// Finds the headings of tables. It holds back one line, because only the next line shows whether
/// it is a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    held: Option<String>,
    /// The number of horizontal rules so far in a table with a frame.
    rules: usize,
}

impl Layout {
    /// Takes a line. Returns the line before it, with `true` if that one is a heading.
    pub(super) fn push(&mut self, line: &str) -> Option<(String, bool)> {
        let is_framed = line.starts_with(['+', '|', '┌', '├', '└', '│']);
        let held = self.held.replace(line.to_owned());
        let is_rule = is_rule(line);
        let heading = match &held {
            Some(held) if is_rule && is_framed => self.rules == 1 && held.starts_with(['|', '│']),
            Some(held) if is_rule => held.starts_with(' ') || held.trim_end() == "ok",
            _ => false,
        };
        self.rules = if is_framed { self.rules + usize::from(is_rule) } else { 0 };
        held.map(|held| (held, heading))
    }

    /// Returns the line that was held back.
    pub(super) fn end(&mut self) -> Option<String> {
        self.rules = 0;
        self.held.take()
    }
}

/// Checks whether psql drew this line below a heading.
fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.contains(['-', '─']) && line.chars().all(|c| "-+─┼┌┬┐├┤└┴┘ ".contains(c))
}

/// The values in a line that may be TAP: the last column of a table, and the line as a whole.
pub(super) fn values(line: &str) -> Vec<Value<'_>> {
    let line = line.trim_end();
    let inner = cell(line);
    // a column may be called `ok`
    let last = last_column(inner).map(|text| Value { text, in_table: true });
    let line = Value { text: inner, in_table: inner.len() != line.len() };
    last.into_iter().chain([line]).collect()
}

/// A value as psql prints it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    /// The value is a cell of a table, not a line of its own.
    pub(super) in_table: bool,
}

/// Returns the value in a line of a table with one column, and any other line unchanged.
fn cell(line: &str) -> &str {
    for bar in ['|', '│'] {
        let inner = line.strip_prefix(bar).and_then(|inner| inner.strip_suffix(bar));
        if let Some(aligned) = inner {
            return cell(aligned.trim_end());
        }
    }
    // `+` and `↵` mark a value that continues in the next line
    let aligned = line.strip_prefix(' ').map(|value| value.trim_end_matches(['+', '↵']).trim_end());
    aligned.unwrap_or(line)
}

/// The value after one word and a bar: a row of two columns, or a line of psql's expanded display.
fn last_column(line: &str) -> Option<&str> {
    let (before, value) = line.split_once(['|', '│'])?;
    let is_word = !before.starts_with([' ', '#']) && !before.trim_end().contains(' ');
    is_word.then(|| value.trim())
}
