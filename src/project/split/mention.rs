//! The qualified names in a text of `pg_dump`, which qualifies every name.

/// A schema and the name of an object in it.
pub(super) type Name = (String, String);

/// The name of an entry: that of a function is followed by its arguments.
pub(super) fn bare(name: &str, has_arguments: bool) -> String {
    if !has_arguments {
        return name.to_owned();
    }
    match identifier(name) {
        Some((first, _)) if name.starts_with('"') => first,
        _ => name.split('(').next().unwrap_or(name).to_owned(),
    }
}

/// All qualified names, also those within strings such as `'app.seq'::regclass`.
pub(super) fn names(text: &str) -> Vec<Name> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let Some((schema, after)) = identifier(rest) else {
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = after;
        if let Some((name, _)) = after.strip_prefix('.').and_then(identifier) {
            found.push((schema, name));
        }
    }
    found
}

/// The identifier at the beginning of a text, and the rest. A line end becomes a blank, as in the
/// comments of a dump.
fn identifier(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut name = String::new();
        let mut chars = quoted.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if chars.next_if(|(_, next)| *next == '"').is_some() => name.push('"'),
                '"' => return Some((name, &quoted[at + 1..])),
                '\n' | '\r' => name.push(' '),
                c => name.push(c),
            }
        }
        return None;
    }
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    text.starts_with(starts).then(|| {
        let continues = |c: char| starts(c) || c.is_ascii_digit() || c == '$';
        let end = text.find(|c| !continues(c)).unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let text = "nextval('app.seq'::regclass), app.f(x) + \"My \"\"App\"\"\".\"two\nlines\".c::app.t[] 1.5 a .b";
        let pair = |schema: &str, name: &str| (schema.to_owned(), name.to_owned());
        let expected = [
            pair("app", "seq"),
            pair("app", "f"),
            pair("My \"App\"", "two lines"),
            pair("two lines", "c"),
            pair("app", "t"),
        ];
        assert_eq!(names(text), expected);
        assert_eq!(bare("f(app.mood)", true), "f");
        assert_eq!(bare("\"f(\"\"x\"(integer)", true), "f(\"x");
        assert_eq!(bare("t(1)", false), "t(1)");
    }
}
