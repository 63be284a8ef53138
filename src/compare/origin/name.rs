//! The words of an object's own name.

/// The last name in an identity, without quotes: `nickname` of `shop.customer.nickname`, `total` of
/// `shop.total(integer)`, `orders_pkey` of `orders_pkey on shop.orders`.
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
