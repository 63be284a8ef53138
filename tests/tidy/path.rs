//! The paths that code names: `use` trees written out, and paths in expressions and types.

/// Every path in `code` with its line: `use a::{b, c::d as e};` names `a::b` and `a::c::d`.
pub(crate) fn named(code: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = path(&tokens, at, &[], &mut found).max(at + 1);
    }
    found
}

/// Identifiers, `::` and single characters, each with its line.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut line, mut glued) = (1, false);
    for c in code.chars() {
        let word = c.is_alphanumeric() || c == '_';
        match found.last_mut() {
            Some((_, last)) if glued && word && is_word(last) => last.push(c),
            Some((_, last)) if glued && c == ':' && last == ":" => last.push(c),
            _ if c.is_whitespace() => {}
            _ => found.push((line, c.to_string())),
        }
        glued = !c.is_whitespace();
        line += usize::from(c == '\n');
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Reads a path that begins at `at`, with all its branches; returns where it ends.
fn path(
    tokens: &[(usize, String)],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens[at].0;
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|(_, token)| token == text);
    if is(at, "::") {
        at += 1;
    }
    while let Some((_, segment)) = tokens.get(at).filter(|(_, token)| is_word(token)) {
        segments.push(segment.clone());
        at += 1;
        if !is(at, "::") {
            break;
        }
        at += 1;
        if is(at, "{") {
            return group(tokens, at + 1, &segments, found);
        }
    }
    if segments.len() > prefix.len() {
        found.push((line, segments));
    }
    at
}

/// Reads the branches of `{…}`; returns the position after the closing brace.
fn group(
    tokens: &[(usize, String)],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    while at < tokens.len() && tokens[at].1 != "}" {
        let word = is_word(&tokens[at].1);
        at = if word { path(tokens, at, prefix, found) } else { at + 1 };
        if tokens.get(at).is_some_and(|(_, token)| token == "as") {
            at += 2;
        }
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<String> {
        named(code).into_iter().map(|(_, path)| path.join("::")).collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        let code = "use a::{self, b, c::{d as e, f}, g::*};\nuse h;";
        let found = names(code);
        for path in ["a::self", "a::b", "a::c::d", "a::c::f", "h"] {
            assert!(found.iter().any(|name| name == path), "{path} in {found:?}");
        }
    }

    #[test]
    fn paths_in_expressions_are_found_with_their_line() {
        let found = named("fn f() {\n    x(std::env::var);\n    y.z()\n}");
        let expected = (2, ["std", "env", "var"].map(String::from).to_vec());
        assert!(found.contains(&expected), "{found:?}");
    }
}
