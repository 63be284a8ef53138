//! Renders an SQL error as text: message, place, three source lines with a caret, and the other
//! fields.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::SqlError;

/// Source lines are cut to this number of columns around the caret.
const WIDTH: usize = 100;
/// The columns of a cut line before the caret.
const BEFORE_CARET: usize = 60;
const TAB: usize = 4;

impl SqlError {
    /// The text for a person: several lines without a final line end and without control
    /// characters.
    pub fn render(&self) -> String {
        let number_width = self.source.last().map_or(1, |(number, _)| number.to_string().len());
        let margin = " ".repeat(number_width);
        let mut out = self.title();
        self.render_place(&mut out, &margin);
        self.render_source(&mut out, &margin);
        if let Some(query) = &self.query {
            note(&mut out, &margin, &format!("in the query, line {}", query.line), &query.render());
        }
        let notes = [("detail", &self.detail), ("hint", &self.hint), ("context", &self.context)];
        for (name, text) in notes {
            if let Some(text) = text {
                note(&mut out, &margin, name, text);
            }
        }
        let printable = |c: char| match c {
            '\t' => ' ',
            c if c.is_control() && c != '\n' => '\u{fffd}',
            c => c,
        };
        out.chars().map(printable).collect()
    }

    fn title(&self) -> String {
        let code = self.sqlstate.as_deref().map_or(String::new(), |code| format!(" {code}"));
        format!("{}{code}: {}", self.severity, self.message)
    }

    fn render_place(&self, out: &mut String, margin: &str) {
        let Some(file) = &self.file else { return };
        let _ = write!(out, "\n{margin}--> {}", file.display());
        if let Some(line) = self.line {
            let _ = write!(out, ":{line}");
            if let Some(column) = self.column {
                let _ = write!(out, ":{column}");
            }
        }
    }

    fn render_source(&self, out: &mut String, margin: &str) {
        if self.source.is_empty() {
            return;
        }
        let _ = write!(out, "\n{margin} |");
        for (number, text) in &self.source {
            let column = self.column.filter(|_| Some(*number) == self.line);
            let (text, caret) = cut(text, column.unwrap_or(1));
            let _ = write!(out, "\n{number:>width$} | {text}", width = margin.len());
            out.truncate(out.trim_end().len());
            if column.is_some() && self.caret {
                let _ = write!(out, "\n{margin} | {}^", " ".repeat(caret));
            }
        }
    }
}

/// `= name: text`. Further lines of the text are indented below the first.
fn note(out: &mut String, margin: &str, name: &str, text: &str) {
    let head = format!("{margin} = {name}: ");
    let indent = " ".repeat(head.width());
    for (index, line) in text.lines().enumerate() {
        let _ = write!(out, "\n{}{line}", if index == 0 { &head } else { &indent });
        out.truncate(out.trim_end().len());
    }
}

/// Expands tabs and cuts the line around a column. Returns the offset of the caret on the screen.
pub(super) fn cut(line: &str, column: usize) -> (String, usize) {
    let mut cells: Vec<(char, usize)> = Vec::new();
    let (mut screen, mut caret) = (0, None);
    for (index, c) in line.chars().enumerate() {
        if index + 1 == column {
            caret = Some(screen);
        }
        let width = if c == '\t' { TAB - screen % TAB } else { width(c) };
        if c == '\t' {
            cells.extend(std::iter::repeat_n((' ', 1), width));
        } else {
            cells.push((c, width));
        }
        screen += width;
        if screen > WIDTH && caret.is_some_and(|caret| screen > caret + WIDTH) {
            break;
        }
    }
    let caret = caret.unwrap_or(screen);
    if screen <= WIDTH {
        return (cells.into_iter().map(|(c, _)| c).collect(), caret);
    }
    window(&cells, screen, caret)
}

fn window(cells: &[(char, usize)], total: usize, caret: usize) -> (String, usize) {
    let from = if caret < WIDTH { 0 } else { caret - BEFORE_CARET };
    let (mut text, mut screen, mut skipped) = (String::new(), 0, None);
    for &(c, width) in cells {
        if screen >= from && screen + width <= from + WIDTH {
            if skipped.is_none() {
                skipped = Some(screen);
                text.push_str(if screen > 0 { "…" } else { "" });
            }
            text.push(c);
        }
        screen += width;
    }
    text.push_str(if total > from + WIDTH { "…" } else { "" });
    let skipped = skipped.unwrap_or(0);
    (text, caret - skipped + usize::from(skipped > 0))
}

/// The columns of a character on a terminal. libpq places its caret by the same tables of Unicode.
pub(super) fn width(c: char) -> usize {
    c.width().unwrap_or(1)
}
