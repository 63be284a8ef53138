//! psql's variables, as far as the text of a script tells their values.

use std::collections::HashMap;

use crate::postgres::psql::lexer::{Argument, Meta};

/// psql's own variables, which are always set.
pub const BUILT_IN: [&str; 32] = [
    "AUTOCOMMIT",
    "COMP_KEYWORD_CASE",
    "DBNAME",
    "ECHO",
    "ECHO_HIDDEN",
    "ENCODING",
    "ERROR",
    "FETCH_COUNT",
    "HIDE_TABLEAM",
    "HIDE_TOAST_COMPRESSION",
    "HISTCONTROL",
    "HISTSIZE",
    "HOST",
    "IGNOREEOF",
    "LAST_ERROR_MESSAGE",
    "LAST_ERROR_SQLSTATE",
    "ON_ERROR_ROLLBACK",
    "ON_ERROR_STOP",
    "PORT",
    "PROMPT1",
    "QUIET",
    "ROW_COUNT",
    "SERVER_VERSION_NAME",
    "SERVER_VERSION_NUM",
    "SHOW_ALL_RESULTS",
    "SHOW_CONTEXT",
    "SQLSTATE",
    "USER",
    "VERBOSITY",
    "VERSION",
    "VERSION_NAME",
    "VERSION_NUM",
];

/// Yes, no, or only psql knows.
pub(super) type Known = Option<bool>;

/// The variables while a script is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    /// The value, or `None` when only psql knows it.
    values: HashMap<String, Option<String>>,
    /// A command set variables that the text does not name, and there may be others.
    wild: bool,
}

impl Variables {
    /// The variables that psql starts with.
    pub(super) fn of(given: &[(String, String)]) -> Self {
        let mut values: HashMap<_, _> =
            given.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        for name in ["AUTOCOMMIT", "ON_ERROR_STOP"] {
            values.insert(name.to_owned(), Some("on".to_owned()));
        }
        Self { values, wild: false }
    }

    /// Notes what a command sets. `certain`: psql runs it.
    pub(super) fn apply(&mut self, meta: &Meta, certain: bool) {
        let name = meta.arguments.first().and_then(|name| name.value.clone());
        let value = match meta.command.as_str() {
            // without a value, a switch of psql is on
            "set" if meta.arguments.len() > 1 => {
                meta.arguments[1..].iter().map(|value| self.value(value)).collect()
            }
            "set" if meta.arguments.len() == 1 => Some(String::new()),
            "unset" => {
                // a switch of psql goes back to off, and only other variables are gone
                match name.filter(|_| certain) {
                    Some(name) if is_switch(&name) => self.values.insert(name, Some("off".into())),
                    Some(name) => self.values.remove(&name),
                    None => return,
                };
                return;
            }
            "gset" | "getenv" | "prompt" => {
                self.wild = true;
                return;
            }
            _ => return,
        };
        if let Some(name) = name {
            self.values.insert(name, value.filter(|_| certain));
        }
    }

    /// Whether a switch of psql is on.
    pub(super) fn switch(&self, name: &str) -> Known {
        match self.values.get(name)?.as_deref()? {
            "" => Some(true),
            value => boolean(value),
        }
    }

    /// Whether a condition of `\if` holds.
    pub(super) fn holds(&self, arguments: &[Argument]) -> Known {
        let [argument] = arguments else { return None };
        if let Some(name) = argument.raw.strip_prefix(":{?").and_then(|n| n.strip_suffix('}')) {
            let defined = self.values.contains_key(name).then_some(true);
            return defined.or((!self.wild && !BUILT_IN.contains(&name)).then_some(false));
        }
        boolean(&self.value(argument)?)
    }

    /// The value of an argument.
    pub(super) fn value(&self, argument: &Argument) -> Option<String> {
        argument.value.clone().or_else(|| {
            let name = argument.raw.strip_prefix(':')?;
            let name = name.strip_prefix('\'').and_then(|n| n.strip_suffix('\'')).unwrap_or(name);
            self.values.get(name).filter(|_| !self.wild)?.clone()
        })
    }
}

fn is_switch(name: &str) -> bool {
    matches!(name, "AUTOCOMMIT" | "ON_ERROR_STOP")
}

/// A truth value as psql reads it: any beginning of a word that is not ambiguous.
fn boolean(text: &str) -> Known {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || text == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::psql::lexer::scan;

    /// What the last `\if` of a script asks.
    fn holds(text: &str) -> Known {
        let mut variables = Variables::of(&[("MOCK".to_owned(), "1".to_owned())]);
        let script = scan(&format!("{text}\n\\endif")).expect("closed");
        script.metas().for_each(|meta| variables.apply(meta, true));
        let condition = script.metas().filter(|meta| meta.command == "if").last().expect("\\if");
        variables.holds(&condition.arguments)
    }

    #[test]
    fn conditions_are_known_where_the_text_tells() {
        for text in ["\\if true", "\\if :MOCK", "\\if :{?MOCK}", "\\set a y\n\\if :a", "\\if on"] {
            assert_eq!(holds(text), Some(true), "{text}");
        }
        for text in ["\\if F", "\\if :{?OTHER}", "\\unset MOCK\n\\if :{?MOCK}", "\\if 0"] {
            assert_eq!(holds(text), Some(false), "{text}");
        }
        for text in
            ["\\if :OTHER", "\\if :{?VERSION}", "SELECT 1 AS a \\gset\n\\if :{?b}", "\\if o"]
        {
            assert_eq!(holds(text), None, "{text}");
        }
    }
}
