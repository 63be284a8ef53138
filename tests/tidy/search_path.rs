//! Functions of the bundle without a `SET search_path` clause: their text must mean the same with
//! every `search_path`.
//!
//! The clause costs as much as the work of a function that runs after each statement
//! (`sql/bundle/40-inheritance.sql`). A function may do without it if the server looks up no name
//! and no operator of its body in the search path. This module reads the words of the body. It
//! refuses more than necessary: every word that it does not know is a complaint.

use std::fs;
use std::path::Path;

const PIN: &str = "SET search_path = pg_catalog, pg_temp";

/// Words of the grammar that can stand before a parenthesis and are not functions.
const BEFORE_PARENTHESIS: [&str; 8] =
    ["ANY", "AND", "OR", "NOT", "SELECT", "WHERE", "THEN", "ELSE"];
/// Words of the grammar that look up an operator or a function by a name without a schema.
const LOOK_UP: [&str; 23] = [
    "BETWEEN",
    "CAST",
    "COLLATE",
    "COLLATION",
    "DISTINCT",
    "EXECUTE",
    "EXTRACT",
    "ILIKE",
    "IN",
    "LIKE",
    "NATURAL",
    "NORMALIZE",
    "NULLIF",
    "OVERLAPS",
    "OVERLAY",
    "POSITION",
    "SIMILAR",
    "SUBSTRING",
    "TABLE",
    "TRIM",
    "USING",
    "VALUES",
    "XMLPARSE",
];
/// Words after which the name of a relation, function or type has to follow.
const BEFORE_NAME: [&str; 5] = ["FROM", "JOIN", "LATERAL", "PERFORM", "::"];

/// A name with its schema.
fn is_qualified(word: &str) -> bool {
    word.starts_with("pg_catalog.") || word.starts_with("hectic.")
}

/// The body without comments and without the content of its literals.
fn without_literals(body: &str) -> String {
    let lines: Vec<&str> =
        body.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    lines.join("\n").split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

/// Words, and sequences of other characters without blanks.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let is_alone = |c: char| "(),;'".contains(c);
    let mut last = ' ';
    for c in code.chars() {
        let joins = !c.is_whitespace()
            && !last.is_whitespace()
            && is_word(c) == is_word(last)
            && !is_alone(c)
            && !is_alone(last);
        match tokens.last_mut() {
            Some(token) if joins => token.push(c),
            _ if c.is_whitespace() => {}
            _ => tokens.push(c.to_string()),
        }
        last = c;
    }
    tokens
}

/// The words in the body that depend on the search path.
fn complaints(body: &str) -> Vec<String> {
    let (declared, code) = match body.split_once("BEGIN") {
        Some((declared, code)) => (declared.trim(), code),
        None => ("", body),
    };
    let variables = declared.strip_prefix("DECLARE").unwrap_or(declared).split(';');
    let types = variables
        .filter(|variable| !variable.trim().is_empty())
        .map(|variable| variable.split_whitespace().nth(1).unwrap_or_default().to_owned());
    let mut complaints: Vec<String> = types.filter(|name| !is_qualified(name)).collect();

    let qualified = without_literals(code);
    let mut pieces = qualified.split("OPERATOR(pg_catalog.");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // the operator itself and its parenthesis
        plain.push_str(piece.split_once(')').map_or(piece, |(_, rest)| rest));
    }
    let tokens = tokens(&plain);
    for (index, token) in tokens.iter().enumerate() {
        let upper = token.to_ascii_uppercase();
        let next = tokens.get(index + 1).map_or("", String::as_str);
        let calls = next == "("
            && token.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && !BEFORE_PARENTHESIS.contains(&upper.as_str());
        let names = BEFORE_NAME.contains(&upper.as_str())
            && !["FROM", "LATERAL"].contains(&next)
            && !is_qualified(next);
        let is_operator = token.chars().all(|c| "+-*/<>=~!@#%^&|`?:".contains(c)) && token != "::";
        // CASE with a value compares it with an operator that nobody wrote.
        let compares = upper == "CASE" && next != "WHEN";
        let is_wrong = calls && !is_qualified(token)
            || names
            || is_operator
            || compares
            || LOOK_UP.contains(&upper.as_str());
        if is_wrong {
            complaints.push(format!("{token} {next}"));
        }
    }
    complaints
}

#[test]
fn every_function_pins_its_search_path_or_looks_nothing_up() {
    let mut without = Vec::new();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/bundle");
    for file in fs::read_dir(bundle).unwrap() {
        let path = file.unwrap().path();
        let sql = fs::read_to_string(&path).unwrap();
        for text in sql.split("CREATE OR REPLACE ").skip(1) {
            let Some((head, rest)) = text.split_once("$function$") else { continue };
            if head.contains(PIN)
                || !(head.starts_with("FUNCTION") || head.starts_with("PROCEDURE"))
            {
                continue;
            }
            let body = rest.split_once("$function$").unwrap().0;
            let name = head.split(['.', '(']).nth(1).unwrap();
            assert_eq!(complaints(body), Vec::<String>::new(), "{}: {name}", path.display());
            without.push(name.to_owned());
        }
    }
    // objects.sql of the integration tests has the same list from the database
    assert_eq!(without.len(), 7, "{without:?}");
}

#[test]
fn what_depends_on_the_search_path_is_seen() {
    for body in [
        "SELECT a = b",
        "SELECT lower(a)",
        "SELECT pg_catalog.lower(a) || ''",
        "SELECT a OPERATOR(pg_catalog.=) b AND c <> d",
        "SELECT ''::text",
        "SELECT ''::regclass::pg_catalog.oid",
        "SELECT FROM pg_class",
        "SELECT FROM pg_catalog.pg_class JOIN pg_inherits ON true",
        "SELECT FROM pg_catalog.pg_class AS c LEFT JOIN LATERAL parents(c.oid) ON true",
        "SELECT a IN ('b')",
        "SELECT CASE a WHEN 'b' THEN true END",
        "SELECT a IS DISTINCT FROM b",
        "SELECT NULLIF(a, b)",
        "DECLARE a text; BEGIN END",
        "BEGIN PERFORM examine(tg_tag); END",
        "BEGIN a := 'b'; END",
    ] {
        assert!(!complaints(body).is_empty(), "{body}");
    }
    for body in [
        "SELECT a OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(a, '='))",
        "DECLARE a hectic.new_schema; BEGIN IF NOT FOUND THEN RETURN; END IF; END",
        "-- lower(a) = b\nSELECT 'lower(a) = b'::pg_catalog.text",
        "SELECT CASE WHEN a THEN b END FROM pg_catalog.pg_class",
    ] {
        assert_eq!(complaints(body), Vec::<String>::new(), "{body}");
    }
}
