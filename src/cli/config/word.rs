//! Settings whose value is one of a few words.

/// The words as a choice: `full, history or off`.
pub(in crate::cli) fn choice(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The question for a value that resembles one of the words.
pub(in crate::cli) fn suggestion(words: &[&str], value: &str) -> Option<String> {
    let value = value.trim().to_lowercase();
    let likeness = |word: &str| strsim::jaro_winkler(word, &value);
    let nearest = words.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(nearest) > 0.8).then(|| format!("did you mean {nearest}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_suggested_if_it_is_near() {
        let words = ["full", "history", "off"];
        assert_eq!(choice(&words), "full, history or off");
        for (value, nearest) in
            [("Full", Some("full")), ("histroy", Some("history")), (" OFF", Some("off"))]
        {
            let expected = nearest.map(|word| format!("did you mean {word}?"));
            assert_eq!(suggestion(&words, value), expected, "{value}");
        }
        for value in ["", "none", "true", "1"] {
            assert_eq!(suggestion(&words, value), None, "{value}");
        }
    }
}
