//! The last component of an object's name.

/// Returns the last component of an identity without quotes: `nickname` for
/// `shop.customer.nickname`, `total` for `shop.total(integer)`, `orders_pkey` for `orders_pkey on
/// shop.orders`.
pub fn own(identity: &str) -> String {
    let mut last = String::new();
    let mut chars = identity.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => last.extend(chars.next()),
            '"' => quoted = !quoted,
            '.' if !quoted => last.clear(),
            '(' | ' ' if !quoted && !last.is_empty() => break,
            _ => last.push(c),
        }
    }
    last
}

/// Checks whether the name appears in the text as a word, with or without quotes. The empty name
/// appears everywhere.
pub fn mentions(text: &str, name: &str) -> bool {
    if name.is_empty() {
        return true;
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase().replace('"', "\"\""));
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(&name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn the_last_name_is_the_own_one() {
        for (identity, expected) in [
            ("shop", "shop"),
            ("shop.customer.nickname", "nickname"),
            ("shop.total(integer, pg_catalog.text)", "total"),
            ("orders_pkey on shop.orders", "orders_pkey"),
            ("\"Odd Name\".\"Odd \"\"Table\"\"\".\"A. Column\"", "A. Column"),
            ("\"a (b)\" on shop.\"c d\"", "a (b)"),
            ("", ""),
        ] {
            assert_eq!(own(identity), expected, "{identity}");
        }
    }
}
