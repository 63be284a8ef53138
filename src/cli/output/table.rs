//! Tables for people. Each column is as wide as its widest cell; two blanks separate columns.

use unicode_width::UnicodeWidthStr;

/// Formats rows under a header. Lines have no blanks at their ends.
pub(in crate::cli) fn render<const N: usize>(
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let all: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].width()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in &all {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Formats a duration: `12 ms`, `3.4 s`.
pub(in crate::cli) fn milliseconds(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}

/// The first line of a text, for a cell.
pub(in crate::cli) fn first_line(text: Option<&str>) -> String {
    text.and_then(|text| text.lines().next()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_needed() {
        let rows = [["1", ""], ["2２", "é x"], ["3", "e\u{301}"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            render(&["No", "What"], rows.into_iter()),
            "No   What\n1\n2２  é x\n3    e\u{301}\n"
        );
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(milliseconds(12.4), "12 ms");
        assert_eq!(milliseconds(3440.0), "3.4 s");
    }
}
