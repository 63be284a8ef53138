//! Definitions in the spelling of the server.

/// Splits the definition of an index, a trigger or a rule: the text before the name, the name (with
/// its quotes, if it has any), and the text after it.
pub fn split_name(definition: &str) -> Option<(&str, &str, &str)> {
    let heads = [" INDEX ", " TRIGGER ", " RULE "].into_iter();
    // quoted text further on may contain such words, too
    let start = heads.filter_map(|word| Some(definition.find(word)? + word.len())).min()?;
    let rest = &definition[start..];
    let length = match rest.strip_prefix('"') {
        None => rest.find(' ')?,
        Some(quoted) => quoted.replace("\"\"", "__").find('"')? + 2,
    };
    Some((&definition[..start], &rest[..length], &rest[length..]))
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn a_name_is_quoted_or_a_word() {
        for (head, name, tail) in [
            ("CREATE UNIQUE INDEX ", "a_idx", " ON s.t USING btree (a)"),
            ("CREATE INDEX ", "\"odd \"\" ON RULE name\"", " ON s.t USING btree (a)"),
            ("CREATE CONSTRAINT TRIGGER ", "t", " AFTER INSERT ON \"a INDEX b\""),
            ("CREATE RULE ", "\"a INDEX b\"", " AS\n    ON DELETE TO s.t DO NOTHING"),
        ] {
            let definition = [head, name, tail].concat();
            assert_eq!(split_name(&definition), Some((head, name, tail)));
        }
        assert_eq!(split_name("CHECK (a > 0)"), None);
    }
}
