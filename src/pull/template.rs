//! SQL templates with placeholders.

/// Removes the comments of a template and fills its placeholders. It never searches a filled-in
/// value for placeholders.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let lines = template.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>();
    let sql = lines.join("\n");
    let mut filled = String::with_capacity(sql.len());
    let mut rest = sql.as_str();
    while let Some((at, (place, value))) =
        values.iter().filter_map(|one| Some((rest.find(one.0)?, one))).min_by_key(|found| found.0)
    {
        filled += &rest[..at];
        filled += value;
        rest = &rest[at + place.len()..];
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_templates() {
        let sql = fill("-- A @a@.\n@a@ @b@\n@a@", &[("@b@", "@a@"), ("@a@", "@b@")]);
        assert_eq!(sql, "@b@ @a@\n@b@");
    }
}
