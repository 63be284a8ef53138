//! Password files (manual §34.16): lines of `host:port:database:user:password`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Password, Target, default_socket_directory};

/// Gives every server the password of the first line that matches it. As libpq does, ignores a file
/// that others can read, with a warning, and a file that does not exist.
pub(super) fn fill_in(
    file: &Path,
    targets: &mut [Target],
    database: &str,
    user: &str,
    warnings: &mut Vec<String>,
) {
    let Ok(metadata) = std::fs::metadata(file) else { return };
    let name = file.display();
    if !metadata.is_file() {
        warnings.push(format!("password file {name} is not a plain file; it is not used"));
        return;
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        warnings.push(format!(
            "password file {name} can be used by group or others; it is not used (chmod 0600 {name})"
        ));
        return;
    }
    let Ok(bytes) = crate::sys::process::read_regular(file) else {
        warnings.push(format!("password file {name} cannot be read; it is not used"));
        return;
    };
    let text = String::from_utf8_lossy(&bytes);
    for target in targets {
        let port = target.port.to_string();
        let wanted = [host(target), &port, database, user];
        target.password = text.lines().find_map(|line| password(line, &wanted));
    }
}

/// The host that libpq looks for: `localhost` for its default socket directory, else the host.
fn host(target: &Target) -> &str {
    if target.host == default_socket_directory() { "localhost" } else { &target.host }
}

/// The password of a line if its four fields match. A field is `*`, or it equals the value after
/// `\` is undone.
fn password(line: &str, wanted: &[&str; 4]) -> Option<Password> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line.trim_end_matches('\r');
    for value in wanted {
        rest = match rest.strip_prefix("*:") {
            Some(after) => after,
            None => {
                let (field, after) = field(rest)?;
                if field != *value {
                    return None;
                }
                after
            }
        };
    }
    let password = unescape(rest);
    (!password.is_empty()).then(|| Password::new(password))
}

/// The text before the first colon without a `\`, and the text after the colon.
fn field(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return Some((unescape(&text[..at]), &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Removes each `\` that quotes the next character.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}
