//! SQL templates: files with placeholders `@name@` for names and other text.

/// Replaces each `@name@` by its value. Placeholders inside a value are not replaced.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split('@');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        filled.push_str(value);
        filled.push_str(rest);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_are_put_in_once() {
        assert_eq!(fill("a @x@, @y@;", &[("x", "@y@"), ("y", "2")]), "a @y@, 2;");
    }
}
