//! The kinds of personal or secret data that a column may hold, recognized by its name and values.

/// A kind of data that should not leave staging unchanged. The kinds that weigh more come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Token,
    Email,
    Iban,
    Card,
    Phone,
    Network,
    Identity,
    Address,
    Person,
    Json,
    Text,
}

/// The kinds that values reveal, with the query's names for their counts.
pub(super) const SEEN: [(Kind, &str); 10] = [
    (Kind::Token, "token"),
    (Kind::Email, "email"),
    (Kind::Iban, "iban"),
    (Kind::Card, "card"),
    (Kind::Phone, "phone"),
    (Kind::Network, "network"),
    (Kind::Address, "address"),
    (Kind::Person, "person"),
    (Kind::Json, "json"),
    (Kind::Text, "text"),
];

/// Words in a column's name that reveal its kind. The first matching entry decides.
const WORDS: [(Kind, &[&str]); 9] = [
    (
        Kind::Token,
        &[
            "apikey",
            "cookie",
            "credential",
            "credentials",
            "otp",
            "passphrase",
            "passwd",
            "password",
            "pin",
            "pwd",
            "salt",
            "secret",
            "session",
            "token",
            "totp",
        ],
    ),
    (Kind::Email, &["email", "emails", "mail"]),
    (Kind::Iban, &["bic", "iban"]),
    (Kind::Card, &["card", "ccn", "pan"]),
    (Kind::Phone, &["cell", "fax", "mobile", "msisdn", "phone", "phones", "tel", "telephone"]),
    (Kind::Network, &["ip", "ipv4", "ipv6", "mac"]),
    (Kind::Identity, &["nino", "passport", "ssn", "taxid", "vat"]),
    (
        Kind::Address,
        &["addr", "address", "addresses", "plz", "postal", "postcode", "street", "zip", "zipcode"],
    ),
    (
        Kind::Text,
        &[
            "bio", "body", "comment", "comments", "feedback", "message", "note", "notes", "remark",
            "remarks",
        ],
    ),
];

/// Pairs of words in a column's name that reveal its kind.
const PAIRS: [(Kind, &str, &str); 13] = [
    (Kind::Token, "api", "key"),
    (Kind::Token, "private", "key"),
    (Kind::Token, "access", "key"),
    (Kind::Email, "e", "mail"),
    (Kind::Iban, "account", "number"),
    (Kind::Identity, "national", "id"),
    (Kind::Identity, "tax", "id"),
    (Kind::Person, "first", "name"),
    (Kind::Person, "last", "name"),
    (Kind::Person, "full", "name"),
    (Kind::Person, "given", "name"),
    (Kind::Person, "family", "name"),
    (Kind::Person, "user", "name"),
];

/// Words in a column's name that mean a person's name.
const PERSON: &[&str] =
    &["firstname", "fullname", "lastname", "login", "nickname", "surname", "username"];

/// Tables of people. Their column `name` holds the name of a person.
const PEOPLE: &[&str] = &[
    "account", "author", "client", "contact", "customer", "employee", "member", "owner", "patient",
    "people", "person", "profile", "student", "user",
];

impl Kind {
    /// The name of the kind in a comment.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Token => "token or secret",
            Self::Email => "e-mail",
            Self::Iban => "IBAN",
            Self::Card => "card number",
            Self::Phone => "phone",
            Self::Network => "network address",
            Self::Identity => "identity number",
            Self::Address => "address",
            Self::Person => "name of a person",
            Self::Json => "JSON",
            Self::Text => "free text",
        }
    }

    /// Checks whether `count` of `filled` values are enough to recognize the kind. One e-mail
    /// address or IBAN is enough, because nothing else looks like one.
    pub(super) fn is_seen(self, count: i64, filled: i64) -> bool {
        match self {
            Self::Email | Self::Iban => count > 0,
            _ => count > 0 && count * 5 >= filled,
        }
    }

    /// Recognizes a kind by the names of a column and its table.
    pub(super) fn by_name(table: &str, column: &str) -> Option<Self> {
        let words = words(column);
        let has = |word: &str| words.iter().any(|own| own == word);
        let pair = PAIRS
            .iter()
            .find(|(_, one, two)| words.windows(2).any(|pair| pair[0] == *one && pair[1] == *two));
        let word = || WORDS.iter().find(|(_, words)| words.iter().any(|word| has(word)));
        let of_people = || words_of_people(table) && words == ["name"];
        pair.map(|pair| pair.0)
            .or_else(|| word().map(|word| word.0))
            .or_else(|| PERSON.iter().any(|word| has(word)).then_some(Self::Person))
            .or_else(|| of_people().then_some(Self::Person))
    }
}

fn words_of_people(table: &str) -> bool {
    words(table).iter().any(|word| {
        let singular = word.strip_suffix('s').unwrap_or(word);
        PEOPLE.contains(&word.as_str()) || PEOPLE.contains(&singular)
    })
}

/// Splits a name into words: `orderLine_2` becomes order, line and 2.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_they_hold() {
        for (table, column, kind) in [
            ("a", "contactEmail", Some(Kind::Email)),
            ("a", "e-mail", Some(Kind::Email)),
            ("a", "ip_address", Some(Kind::Network)),
            ("a", "password_hash", Some(Kind::Token)),
            ("a", "API_KEY", Some(Kind::Token)),
            ("a", "first_name", Some(Kind::Person)),
            ("app_users", "name", Some(Kind::Person)),
            ("product", "name", None),
            ("a", "shipping", None),
            ("a", "zip", Some(Kind::Address)),
            ("a", "mailing", None),
        ] {
            assert_eq!(Kind::by_name(table, column), kind, "{table}.{column}");
        }
    }

    #[test]
    fn what_is_surely_one_counts_alone() {
        assert!(Kind::Email.is_seen(1, 1000) && !Kind::Email.is_seen(0, 0));
        assert!(!Kind::Person.is_seen(1, 6) && Kind::Person.is_seen(1, 5));
    }
}
