//! How an object differs, in a line; pure.

use super::Identity;

/// How much of a value is shown, in characters, and how much of that before the first difference.
const EXCERPT: (usize, usize) = (60, 20);

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// A property is another one.
    Changed {
        /// Its name, such as `type` or `comment`.
        property: String,
        /// None: as by default, or not at all.
        before: Option<String>,
        /// None: as by default, or not at all.
        after: Option<String>,
    },
}

impl What {
    /// One line: `+ table shop.orders`, `~ column shop.orders.total: type integer → bigint`.
    pub fn line(&self, identity: &Identity) -> String {
        match self {
            Self::Added => format!("+ {identity}"),
            Self::Removed => format!("- {identity}"),
            Self::Changed { property, before, after } => {
                let (before, after) = (shown(before.as_deref()), shown(after.as_deref()));
                let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
                let long = before.len().max(after.len()) > EXCERPT.0;
                let start = if long { same.saturating_sub(EXCERPT.1) } else { 0 };
                let (before, after) = (excerpt(&before, start), excerpt(&after, start));
                format!("~ {identity}: {property} {before} → {after}")
            }
        }
    }
}

/// A value on one line.
fn shown(value: Option<&str>) -> Vec<char> {
    value.unwrap_or("none").replace('\n', "\\n").chars().collect()
}

/// A part of a value, from `start` on.
fn excerpt(value: &[char], start: usize) -> String {
    let end = value.len().min(start + EXCERPT.0);
    let part: String = value[start..end].iter().collect();
    let dots = |cut| if cut { "…" } else { "" };
    format!("{}{part}{}", dots(start > 0), dots(end < value.len()))
}
