//! Password files (manual §34.16): lines of `host:port:database:user:password`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Password, Target, default_socket_directory};

/// Gives every target the password of the first line that matches it. A file that others could read
/// is left alone with a warning, as libpq does; one that is not there means nothing.
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

/// libpq looks for `localhost` when it uses its default socket directory, else for the host as given.
fn host(target: &Target) -> &str {
    if target.host == default_socket_directory() { "localhost" } else { &target.host }
}

/// The line's password when its four fields match. A field is `*`, or equal once `\` is undone.
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

/// The text before the first colon that no `\` protects, and what follows the colon.
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

/// `\` takes the next character as it is.
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
