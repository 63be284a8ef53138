//! Text that other tools replace before they send a file.

/// The forms of placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `${name}`, of Flyway.
    Braces,
    /// `:NAME`, of graphile-migrate: a capital letter, then capital letters, digits and `_`.
    Colon,
}

/// Replaces every placeholder by its value.
///
/// # Errors
/// Lists the placeholders without a value, each with its line.
pub(super) fn replace(
    text: &str,
    form: Form,
    values: &[(String, String)],
) -> Result<String, Vec<(usize, String)>> {
    let (mut replaced, mut missing) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some((before, name, length)) = next(rest, form) {
        replaced.push_str(&rest[..before]);
        match values.iter().find(|(known, _)| known == name) {
            Some((_, value)) => replaced.push_str(value),
            None => {
                let at = text.len() - rest.len() + before;
                let line = text[..at].matches('\n').count() + 1;
                missing.push((line, rest[before..before + length].to_owned()));
            }
        }
        rest = &rest[before + length..];
    }
    replaced.push_str(rest);
    if missing.is_empty() { Ok(replaced) } else { Err(missing) }
}

/// The next placeholder: its position, its name, and its length.
fn next(text: &str, form: Form) -> Option<(usize, &str, usize)> {
    match form {
        Form::Braces => {
            let start = text.find("${")?;
            let length = text[start..].find('}')? + 1;
            Some((start, &text[start + 2..start + length - 1], length))
        }
        Form::Colon => {
            let mut from = 0;
            loop {
                let start = from + text[from..].find(':')?;
                let name = &text[start + 1..];
                let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                let length = name.find(|c| !is_part(c)).unwrap_or(name.len());
                let is_name = length > 1
                    && name.starts_with(|c: char| c.is_ascii_uppercase())
                    && !name[length..].starts_with(|c: char| c.is_alphanumeric())
                    && !text[..start].ends_with(':');
                if is_name {
                    return Some((start, &name[..length], length + 1));
                }
                from = start + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_place_of_names() {
        let values = [("a".to_owned(), "x".to_owned()), ("AB_1".to_owned(), "y".to_owned())];
        let replaced = replace("${a} $${a} $1", Form::Braces, &values);
        assert_eq!(replaced.as_deref(), Ok("x $x $1"));
        let replaced = replace("':AB_1' ::AB_1 :ab :A b::INT", Form::Colon, &values);
        assert_eq!(replaced.as_deref(), Ok("'y' ::AB_1 :ab :A b::INT"));
    }

    #[test]
    fn names_without_a_value_are_listed_with_their_lines() {
        let missing = replace("\n${b}\n${c}", Form::Braces, &[]).expect_err("missing");
        assert_eq!(missing, [(2, "${b}".to_owned()), (3, "${c}".to_owned())]);
        let missing = replace(":DATABASE_NAME", Form::Colon, &[]).expect_err("missing");
        assert_eq!(missing, [(1, ":DATABASE_NAME".to_owned())]);
    }
}
