//! Rules in `diff-ignore.toml` that set differences aside.
//!
//! A rule names the objects, a reason and, optionally, its last day. After that day the rule no
//! longer applies, so that the difference counts again.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use time::{Date, Month};
use toml::value::Datetime;

use super::{Class, Difference};
use crate::compare::facts::What;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::shown::{beginning, toml_error};

/// The rules of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    #[serde(default)]
    ignore: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The objects, as the report shows them (`index shop.orders_at`; the rows of a table are
    /// `rows shop.currency`). A `*` stands for any text.
    pub object: String,
    /// Only this property.
    property: Option<String>,
    /// Only this class.
    class: Option<String>,
    /// The reason.
    pub reason: String,
    /// The last day on which it applies.
    #[serde(default, deserialize_with = "date")]
    pub until: Option<Date>,
}

/// A project's file, as far as it has rules.
#[derive(Deserialize)]
struct Project {
    diff: Option<Rules>,
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let (line, message) = toml_error(text, error.span(), error.message());
        Error::conflict(format!("line {line} of the rules about differences: {message}"))
    })
}

impl Rules {
    /// Parses the rules.
    ///
    /// # Errors
    /// `Conflict` (exit 2) with the line and the problem.
    pub fn parse(text: &str) -> Result<Self> {
        let rules: Self = read(text)?;
        rules.ignore.iter().try_for_each(Rule::check)?;
        Ok(rules)
    }

    /// Parses the section `diff` of a project's file. Returns `None` if there is no such section.
    ///
    /// # Errors
    /// Those of [`Self::parse`].
    pub fn of_project(text: &str) -> Result<Option<Self>> {
        let Project { diff } = read(text)?;
        if let Some(rules) = &diff {
            rules.ignore.iter().try_for_each(Rule::check)?;
        }
        Ok(diff)
    }

    /// The rules that have expired.
    pub fn expired(&self, today: Date) -> impl Iterator<Item = &Rule> {
        self.ignore.iter().filter(move |rule| rule.is_expired(today))
    }

    /// The reason of the rule that sets this difference aside, if there is one.
    pub fn reason(&self, difference: &Difference, today: Date) -> Option<&str> {
        let fits = |rule: &&Rule| {
            let property = match &difference.what {
                What::Changed { property, .. } => Some(property.as_str()),
                _ => None,
            };
            !rule.is_expired(today)
                && matches(&rule.object, &difference.identity.to_string())
                && rule.property.as_deref().is_none_or(|wanted| property == Some(wanted))
                && rule.class.as_deref().is_none_or(|class| class == difference.class.as_str())
        };
        self.ignore.iter().find(fits).map(|rule| rule.reason.as_str())
    }

    /// The reason of the rule that sets the rows of this table aside, if there is one.
    pub fn reason_for_rows(&self, table: &str, today: Date) -> Option<&str> {
        let fits = |rule: &&Rule| {
            let is_plain = rule.property.is_none() && rule.class.is_none();
            is_plain && !rule.is_expired(today) && matches(&rule.object, &format!("rows {table}"))
        };
        self.ignore.iter().find(fits).map(|rule| rule.reason.as_str())
    }
}

impl Rule {
    fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::new(Kind::Conflict, what));
        if self.reason.trim().is_empty() {
            return refuse(format!("the rule for \"{}\" has no reason", self.object));
        }
        if let Some(class) = &self.class
            && !Class::ALL.iter().any(|known| known.as_str() == class)
        {
            return refuse(format!("there is no class {} of differences", beginning(class)));
        }
        Ok(())
    }

    fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

/// A date of TOML without a time.
fn date<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<Option<Date>, D::Error> {
    let written = Datetime::deserialize(value)?;
    let date = written.date.filter(|_| written.time.is_none()).and_then(|date| {
        let month = Month::try_from(date.month).ok()?;
        Date::from_calendar_date(date.year.into(), month, date.day).ok()
    });
    date.map(Some).ok_or_else(|| D::Error::custom(format!("{written} is not a date")))
}

/// Checks whether `text` matches `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::facts::{Identity, Kind as Sort};

    fn day(year: i32, month: u8, day: u8) -> Date {
        let month = Month::try_from(month).expect("a month");
        Date::from_calendar_date(year, month, day).expect("a day")
    }

    fn difference(name: &str, property: &str) -> Difference {
        let identity = Identity { kind: Sort::Index, name: name.to_owned() };
        let property = property.to_owned();
        crate::compare::drift::difference(
            &identity,
            What::Changed { property, before: None, after: None },
        )
    }

    #[test]
    fn a_rule_is_about_objects_properties_and_classes() {
        let rules = "[[ignore]]\nobject = 'index shop.*_at'\nproperty = 'definition'\n\
                     class = 'semantic'\nreason = 'by hand'\nuntil = 2027-01-31\n\
                     [[ignore]]\nobject = 'rows shop.*'\nreason = 'x'";
        let rules = Rules::parse(rules).expect("rules");
        let (last, after) = (day(2027, 1, 31), day(2027, 2, 1));
        let reason = |name, property, today| {
            rules.reason(&difference(name, property), today).map(str::to_owned)
        };
        assert_eq!(reason("shop.orders_at", "definition", last).as_deref(), Some("by hand"));
        for (name, property, today) in [
            ("shop.orders_at", "definition", after),
            ("shop.orders_at2", "definition", last),
            ("shop.orders_at", "name", last),
        ] {
            assert_eq!(reason(name, property, today), None, "{name} {property} {today}");
        }
        assert_eq!(rules.expired(after).count(), 1);
        assert_eq!(rules.reason_for_rows("shop.currency", last), Some("x"));
        assert_eq!(rules.reason_for_rows("stock.currency", last), None);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "[[ignore]]\nobject = 'table t'",
            "[[ignore]]\nobject = 'table t'\nreason = ' '",
            "[[ignore]]\nreason = 'x'",
            "[[ignore]]\nobject = 't'\nreason = 'x'\nclass = 'nonsense'",
            "[[ignore]]\nobject = 't'\nreason = 'x'\nuntil = 12:00:00",
            "[[ignore]]\nobject = 't'\nreason = 'x'\nuntil = 2027-01-31T12:00:00",
            "[[ignore]]\nobject = 't'\nreason = 'x'\nuntil = 2027-02-29",
            "[[ignore]]\nobject = 't'\nreason = 'x'\nuntill = 2027-01-01",
            "[[ignored]]\nobject = 't'\nreason = 'x'",
        ] {
            assert_eq!(
                Rules::parse(text).map_err(|error| error.kind()),
                Err(Kind::Conflict),
                "{text}"
            );
        }
        assert_eq!(Rules::parse(""), Ok(Rules::default()));
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, expected) in
            [("*", "", true), ("a*b*c", "a--b--c", true), ("a*c", "ab", false), ("a", "ab", false)]
        {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
