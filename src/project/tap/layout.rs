//! The tables in which psql shows what a query returns, unless it is told `\pset tuples_only`.

/// A line that waits for the next one: only that tells whether it is the heading of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    held: Option<String>,
    /// How many rules of a table with a frame came before.
    rules: usize,
}

impl Layout {
    /// Takes a line; returns the one before, and whether it is a heading.
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

    /// The last line.
    pub(super) fn end(&mut self) -> Option<String> {
        self.rules = 0;
        self.held.take()
    }
}

/// Whether a line is what psql draws below a heading.
fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.contains(['-', '─']) && line.chars().all(|c| "-+─┼┌┬┐├┤└┴┘ ".contains(c))
}

/// What a line may say: the value of a table's only column, or else of its last one.
pub(super) fn values(line: &str) -> Vec<Value<'_>> {
    let line = line.trim_end();
    let inner = cell(line);
    // the name of a column may itself be `ok`
    let last = last_column(inner).map(|text| Value { text, in_table: true });
    let whole = Value { text: inner, in_table: inner.len() != line.len() };
    last.into_iter().chain([whole]).collect()
}

/// A value, as psql shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    /// Whether it stands in a table, and is no line of its own.
    pub(super) in_table: bool,
}

/// The value in a line of a table with one column; any other line as it is.
fn cell(line: &str) -> &str {
    for bar in ['|', '│'] {
        let inner = line.strip_prefix(bar).and_then(|inner| inner.strip_suffix(bar));
        if let Some(aligned) = inner {
            return cell(aligned.trim_end());
        }
    }
    // `+` and `↵` mark a value that goes on in the next line
    let aligned = line.strip_prefix(' ').map(|value| value.trim_end_matches(['+', '↵']).trim_end());
    aligned.unwrap_or(line)
}

/// The value behind a single word and a bar: in a row of two columns, or in psql's expanded display.
fn last_column(line: &str) -> Option<&str> {
    let (before, value) = line.split_once(['|', '│'])?;
    let is_word = !before.starts_with([' ', '#']) && !before.trim_end().contains(' ');
    is_word.then(|| value.trim())
}
