//! The grammar, by its corpus.

use super::*;
use crate::sys::error::Kind;

const CORPUS: &str = include_str!("../../../tests/fixture/dotenv/corpus.txt");

/// Replaces `\n`, `\r`, `\t`, `\\` and `\xHH`, which stand for invisible bytes.
fn bytes(escaped: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        out.push(match (byte, (byte == b'\\').then(|| rest.next().unwrap())) {
            (_, Some(b'n')) => b'\n',
            (_, Some(b'r')) => b'\r',
            (_, Some(b't')) => b'\t',
            (_, Some(b'\\')) => b'\\',
            (_, Some(b'x')) => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            (_, Some(other)) => panic!("unknown escape \\{} in the corpus", char::from(other)),
            (byte, None) => byte,
        });
    }
    out
}

fn check(case: &str) {
    let mut lines = case.lines().filter(|line| !line.starts_with("# "));
    let content = lines.next().unwrap().strip_prefix("in:").unwrap();
    let content = content.strip_prefix(' ').unwrap_or(content);
    let expected: Vec<&str> = lines.collect();
    match parse(&bytes(content)) {
        Ok(entries) => {
            let expected: Vec<Vec<u8>> = expected
                .iter()
                .map(|line| bytes(line.strip_prefix("out: ").unwrap_or_else(|| panic!("{case}"))))
                .collect();
            let actual: Vec<Vec<u8>> = entries
                .iter()
                .map(|entry| format!("{}={}", entry.name, entry.value.expose()).into_bytes())
                .collect();
            assert_eq!(actual, expected, "{case}");
        }
        Err(error) => {
            assert_eq!(vec![format!("error: {}", error.message())], expected, "{case}");
            assert_eq!(error.kind(), Kind::Failed);
        }
    }
}

#[test]
fn the_corpus_reads_as_written() {
    let cases: Vec<&str> =
        CORPUS.split("\n\n").filter(|case| case.lines().any(|l| l.starts_with("in:"))).collect();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    cases.into_iter().for_each(check);
}

#[test]
fn no_error_of_the_corpus_shows_a_value() {
    for case in CORPUS.split("\n\n").filter(|case| case.contains("\nerror: ")) {
        assert!(!case.split("\nerror: ").nth(1).unwrap().contains("s3cr3t"), "{case}");
    }
}

fn message(content: &[u8]) -> String {
    parse(content).unwrap_err().message().to_owned()
}

#[test]
fn sizes_are_limited() {
    let value = |length: usize| format!("A={}", "x".repeat(length)).into_bytes();
    assert_eq!(parse(&value(65_536)).unwrap()[0].value.expose().len(), 65_536);
    assert_eq!(message(&value(65_537)), "dotenv line 1: value larger than 65536 bytes");
    let quoted = format!("\nA='{}\n'", "x".repeat(65_536));
    assert_eq!(message(quoted.as_bytes()), "dotenv line 2: value larger than 65536 bytes");

    let name = |length: usize| format!("{}=s3cr3t", "N".repeat(length)).into_bytes();
    assert_eq!(parse(&name(128)).unwrap()[0].name.len(), 128);
    assert!(message(&name(129)).starts_with("dotenv line 1: invalid name (letters, digits"));

    let file = |length: usize| vec![b'#'; length];
    assert_eq!(parse(&file(1024 * 1024)).unwrap(), []);
    assert_eq!(message(&file(1024 * 1024 + 1)), "dotenv: larger than 1 MiB");
}

#[test]
fn an_entry_prints_without_its_value() {
    let entries = parse(b"A=s3cr3t").unwrap();
    assert_eq!(format!("{entries:?}"), r#"[Entry { name: "A", value: [redacted] }]"#);
}
