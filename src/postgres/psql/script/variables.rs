//! psql's variables, as far as the text of a script tells their values.

use std::collections::HashMap;

use crate::postgres::psql::lexer::{Argument, Form, Meta};
use crate::postgres::sql::quote::{quote_ident, quote_literal};

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

/// Built-in variables that change from statement to statement, or that db-tool changes at the end.
const FLEETING: [&str; 6] =
    ["ECHO", "ERROR", "LAST_ERROR_MESSAGE", "LAST_ERROR_SQLSTATE", "ROW_COUNT", "SQLSTATE"];

/// Yes, no, or `None` if only psql knows.
pub(super) type Known = Option<bool>;

/// The values that psql prints at the end of the session. `None` for a variable that is not set.
pub(super) type Answers = HashMap<String, Option<String>>;

/// The variables at a place of a script.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    /// The values. `None` if only psql knows the value.
    values: HashMap<String, Option<String>>,
    /// The number of commands that set each variable.
    set: HashMap<String, usize>,
    /// The commands that set variables without naming them in the text.
    setters: Vec<Setter>,
    /// Whether psql reads a file that db-tool does not know.
    blind: bool,
    answers: Answers,
}

/// A command that sets variables without naming them in the text.
#[derive(Debug, Clone)]
enum Setter {
    /// `\gset`: the prefix of the names, and the statement with the columns.
    Columns { prefix: String, statement: String },
    /// The name or the prefix is itself a variable.
    Any,
}

impl Setter {
    fn may_set(&self, name: &str) -> bool {
        let Self::Columns { prefix, statement } = self else { return true };
        let Some(column) = name.strip_prefix(prefix.as_str()) else { return false };
        // the columns of `*` are not known; but `count(*)` is one column with a known name
        let stars = statement.match_indices('*').any(|(at, _)| !statement[..at].ends_with('('));
        stars || statement.contains(&column.to_lowercase())
    }
}

/// A variable, as far as the text tells its value.
enum Found<'a> {
    Value(&'a str),
    Undefined,
    Unknown,
}

impl Variables {
    /// The variables at the beginning, and the values that some have at the end.
    pub(super) fn of(given: &[(String, String)], answers: Answers) -> Self {
        let mut values: HashMap<_, _> =
            given.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        for name in ["AUTOCOMMIT", "ON_ERROR_STOP"] {
            values.insert(name.to_owned(), Some("on".to_owned()));
        }
        values.insert("ON_ERROR_ROLLBACK".to_owned(), Some("off".to_owned()));
        Self { values, answers, ..Self::default() }
    }

    /// Applies a command that sets variables. `certain` tells that psql runs the command.
    /// `statement` is the statement that the command sends.
    pub(super) fn apply(&mut self, meta: &Meta, certain: bool, statement: &str) {
        let first = meta.arguments.first();
        let name = first.and_then(|name| self.value(name));
        let value = match meta.command.as_str() {
            // without a value, a switch of psql is turned on
            "set" if meta.arguments.len() > 1 => {
                meta.arguments[1..].iter().map(|value| self.value(value)).collect()
            }
            "set" if first.is_some() => Some(String::new()),
            "unset" => {
                // unset turns a switch of psql off, and removes any other variable
                match name.filter(|_| certain) {
                    Some(name) if is_switch(&name) => self.assign(name, Some("off".into())),
                    Some(name) => {
                        *self.set.entry(name.clone()).or_default() += 1;
                        self.values.remove(&name);
                    }
                    None => self.doubt(Setter::Any),
                }
                return;
            }
            "gset" => {
                let statement = statement.to_lowercase();
                let prefix = name.or_else(|| first.is_none().then(String::new));
                let columns = |prefix| Setter::Columns { prefix, statement };
                return self.doubt(prefix.map_or(Setter::Any, columns));
            }
            "getenv" | "prompt" => None,
            _ => return,
        };
        // `\prompt` takes a text before the name
        let name = match meta.command.as_str() {
            "prompt" => meta.arguments.last().and_then(|name| self.value(name)),
            _ => name,
        };
        match name {
            Some(name) => self.assign(name, value.filter(|_| certain)),
            None if first.is_some() => self.doubt(Setter::Any),
            None => {}
        }
    }

    fn assign(&mut self, name: String, value: Option<String>) {
        *self.set.entry(name.clone()).or_default() += 1;
        self.values.insert(name, value);
    }

    fn doubt(&mut self, setter: Setter) {
        for (name, value) in &mut self.values {
            if setter.may_set(name) && !is_switch(name) {
                *value = None;
            }
        }
        self.setters.push(setter);
    }

    /// Records that psql reads a file that db-tool does not know.
    pub(super) fn doubt_all(&mut self) {
        self.blind = true;
        self.doubt(Setter::Any);
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
        // psql prints an error for an invalid truth value and takes it for false
        Some(boolean(&self.value(argument)?) == Some(true))
    }

    /// The value of an argument.
    pub(super) fn value(&self, argument: &Argument) -> Option<String> {
        argument.expand(|form, name| match (self.find(name), form) {
            (Found::Unknown, _) => None,
            (Found::Value(_), Form::Defined) => Some("TRUE".to_owned()),
            (Found::Value(value), Form::Plain) => Some(value.to_owned()),
            (Found::Value(value), Form::Literal) => Some(quote_literal(value)),
            (Found::Value(value), Form::Identifier) => Some(quote_ident(value)),
            (Found::Undefined, Form::Defined) => Some("FALSE".to_owned()),
            (Found::Undefined, form) => Some(form.write(name)),
        })
    }

    fn find(&self, name: &str) -> Found<'_> {
        match self.values.get(name) {
            Some(Some(value)) => return Found::Value(value),
            None if !self.is_doubtful(name) => return Found::Undefined,
            _ => {}
        }
        match self.answers.get(name) {
            Some(Some(value)) => Found::Value(value),
            Some(None) => Found::Undefined,
            None => Found::Unknown,
        }
    }

    /// Whether a variable may be set although the text does not set it.
    fn is_doubtful(&self, name: &str) -> bool {
        self.blind || BUILT_IN.contains(&name) || self.setters.iter().any(|s| s.may_set(name))
    }

    /// The variables in these arguments that only psql knows and that do not change later.
    pub(super) fn unknown(&self, arguments: &[Argument]) -> Vec<String> {
        let unknown =
            |name: &&str| matches!(self.find(name), Found::Unknown) && !FLEETING.contains(name);
        let variables = arguments.iter().flat_map(Argument::variables);
        variables.filter(unknown).map(str::to_owned).collect()
    }

    /// The variables whose last value may differ from an earlier one, because several commands may
    /// have set them.
    pub(super) fn unsettled(&self) -> Vec<String> {
        let times = |name: &String| {
            let columns = self.setters.iter().filter(|setter| setter.may_set(name)).count();
            self.set.get(name).copied().unwrap_or(0) + columns
        };
        self.answers.keys().filter(|name| self.blind || times(name) > 1).cloned().collect()
    }
}

fn is_switch(name: &str) -> bool {
    matches!(name, "AUTOCOMMIT" | "ON_ERROR_ROLLBACK" | "ON_ERROR_STOP")
}

/// Parses a truth value as psql does: any beginning of a word that is not ambiguous.
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
    use crate::postgres::psql::lexer::{Item, scan};

    /// The condition of the last `\if` of a script.
    fn holds_at_last(text: &str, answers: &[(&str, Option<&str>)]) -> (Known, Vec<String>) {
        let answers = answers.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned)));
        let given = [("MOCK".to_owned(), "1".to_owned())];
        let mut variables = Variables::of(&given, answers.collect());
        let text = format!("{text}\n\\endif");
        let script = scan(&text).expect("closed");
        let mut statement = "";
        let mut last = (None, Vec::new());
        for item in &script.items {
            match item {
                Item::Statement(sql) => statement = &text[sql.span.clone()],
                Item::Meta(meta) if meta.command == "if" => {
                    let unknown = variables.unknown(&meta.arguments);
                    last = (variables.holds(&meta.arguments), unknown);
                }
                Item::Meta(meta) => variables.apply(meta, true, statement),
            }
        }
        assert!(variables.unsettled().is_empty(), "{text}");
        last
    }

    #[test]
    fn conditions_are_known_where_the_text_tells() {
        for text in [
            "\\if true",
            "\\if :MOCK",
            "\\if :{?MOCK}",
            "\\set a y\n\\if :a",
            "\\if on",
            "\\set a t\n\\set b :a rue\n\\if :b",
            "\\set n a\n\\set :n 1\n\\if :a",
            "SELECT 1 AS b \\gset\n\\if :MOCK",
        ] {
            assert_eq!(holds_at_last(text, &[]), (Some(true), vec![]), "{text}");
        }
        for text in [
            "\\if F",
            "\\if :{?OTHER}",
            "\\unset MOCK\n\\if :{?MOCK}",
            "\\if 0",
            // psql prints an error and goes on
            "\\if o",
            "\\if :OTHER",
            "\\set a t\n\\if :'a'",
            "SELECT count(*) AS a \\gset\n\\if :{?b}",
            "SELECT 1 AS b \\gset x_\n\\if :{?b}",
        ] {
            assert_eq!(holds_at_last(text, &[]), (Some(false), vec![]), "{text}");
        }
    }

    #[test]
    fn what_only_psql_knows_is_asked_at_the_end() {
        for (text, name) in [
            ("\\if :{?VERSION}", "VERSION"),
            ("SELECT 1 AS a \\gset\n\\if :a", "a"),
            ("SELECT * FROM t \\gset\n\\if :{?b}", "b"),
            ("SELECT 1 AS b \\gset x_\n\\if :x_b", "x_b"),
            ("\\getenv home HOME\n\\if :home", "home"),
            ("\\set a `true`\n\\if :a", "a"),
        ] {
            assert_eq!(holds_at_last(text, &[]), (None, vec![name.to_owned()]), "{text}");
            assert_eq!(holds_at_last(text, &[(name, Some("t"))]), (Some(true), vec![]), "{text}");
            assert_eq!(holds_at_last(text, &[(name, None)]), (Some(false), vec![]), "{text}");
        }
        assert_eq!(holds_at_last("\\if :ERROR", &[]), (None, vec![]), "changes all the time");
    }

    #[test]
    fn an_answer_is_no_use_for_what_is_set_twice() {
        for text in ["SELECT 1 AS a \\gset\nSELECT 2 AS a \\gset", "\\set a\n\\getenv a A"] {
            let answers = [("a".to_owned(), Some("1".to_owned()))];
            let mut variables = Variables::of(&[], answers.into_iter().collect());
            let script = scan(text).expect("closed");
            for meta in script.metas() {
                variables.apply(meta, true, "SELECT 1 AS a");
            }
            assert_eq!(variables.unsettled(), ["a"], "{text}");
        }
    }
}
