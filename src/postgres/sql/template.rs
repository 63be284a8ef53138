//! SQL templates: files with placeholders `@name@` for names and other text.

/// Removes the lines of comments, and replaces each `@name@` by its value. Placeholders inside a
/// value are not replaced. The text has no line end at its end, so that it fits into another one.
///
/// # Panics
/// In a debug build, if a placeholder has no value. In a release build it stays, and the server
/// reports it.
pub fn fill<V: AsRef<str>>(template: &str, values: &[(&str, V)]) -> String {
    let text = without_comments(template).collect::<Vec<_>>().join("\n");
    let mut filled = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('@') {
        filled.push_str(before);
        rest = match placeholder(after) {
            Some((name, after)) => {
                let value = values.iter().find(|(known, _)| *known == name);
                debug_assert!(value.is_some(), "@{name}@ has no value");
                match value {
                    Some((_, value)) => filled.push_str(value.as_ref()),
                    None => filled.extend(["@", name, "@"]),
                }
                after
            }
            None => {
                filled.push('@');
                after
            }
        };
    }
    filled + rest
}

/// The lines of a template that are not comments.
pub fn without_comments(template: &str) -> impl Iterator<Item = &str> {
    template.lines().filter(|line| !line.starts_with("--"))
}

/// Splits `name@…`. A sign in an operator or a pattern is not followed by a name and a second sign.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('@')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    is_name.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_are_put_in_once() {
        assert_eq!(fill("a @x@, @y@;\n", &[("x", "@y@"), ("y", "2")]), "a @y@, 2;");
        assert_eq!(fill("@a@@b@", &[("b", "@a@"), ("a", "@b@")]), "@b@@a@");
    }

    #[test]
    fn comments_are_left_out_and_other_signs_stay() {
        let template = "-- A @a@.\na @> @a@ ~ '@[@]'\n-- B\n@";
        assert_eq!(fill(template, &[("a", "1")]), "a @> 1 ~ '@[@]'\n@");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "@b@ has no value")]
    fn every_placeholder_needs_a_value() {
        fill("@a@ @b@", &[("a", "1")]);
    }
}
