//! Whether two definitions say the same with other blanks and comments.

use crate::postgres::lexer::normalize;

/// Whether both texts are the same tokens. The body of a function stands in quotes, where every byte
/// counts to PostgreSQL; to people, blanks and comments in it do not.
pub fn same_tokens(one: &str, other: &str) -> bool {
    match (plain(one), plain(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// The text without comments and with single blanks; the outermost dollar quotation is looked into.
fn plain(text: &str) -> Option<String> {
    match quotation(text) {
        Some((before, body, after)) => Some(
            [squeeze(before)?, "$".to_owned(), squeeze(body)?, "$".to_owned(), squeeze(after)?]
                .concat(),
        ),
        None => squeeze(text),
    }
}

/// What stands before, in and after the first dollar quotation.
fn quotation(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('$')?;
    let tag_end = start + 1 + text[start + 1..].find('$')? + 1;
    let tag = &text[start..tag_end];
    let is_tag = tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    let end = tag_end + text[tag_end..].rfind(tag)?;
    is_tag.then(|| (&text[..start], &text[tag_end..end], &text[end + tag.len()..]))
}

/// Single blanks outside of quotes, none beside punctuation.
fn squeeze(text: &str) -> Option<String> {
    let text = normalize(text).ok()?;
    let mut squeezed = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut blank = false;
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        let touches = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"' | '$');
        if blank && squeezed.chars().next_back().is_some_and(touches) && touches(c) {
            squeezed.push(' ');
        }
        blank = false;
        squeezed.push(c);
        if matches!(c, '\'' | '"') {
            // a doubled quote opens the next piece at once, which comes to the same
            for inner in chars.by_ref() {
                squeezed.push(inner);
                if inner == c {
                    break;
                }
            }
        }
    }
    Some(squeezed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_comments_do_not_count_and_all_else_does() {
        let function =
            |body: &str| format!("CREATE FUNCTION f() RETURNS int AS $function$ {body} $function$");
        for (one, other) in [
            ("BEGIN RETURN 1; END", "BEGIN\n  -- why\n  RETURN  1;\nEND"),
            ("SELECT a+b", "SELECT a + b /* sum */"),
            ("SELECT 'a  b'", "SELECT  'a  b'"),
        ] {
            assert!(same_tokens(&function(one), &function(other)), "{one} {other}");
        }
        for (one, other) in [
            ("SELECT 'a b'", "SELECT 'a  b'"),
            ("SELECT a b", "SELECT ab"),
            ("RETURN 1;", "RETURN 2;"),
        ] {
            assert!(!same_tokens(&function(one), &function(other)), "{one} {other}");
        }
    }
}
