//! Passwords that db-tool makes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postgres_protocol::password::scram_sha_256;

use super::url::Password;
use crate::sys::error::{Error, Result};

/// The random bytes of a password.
const BYTES: usize = 24;

/// Makes a random password of letters, digits, `-` and `_`.
pub fn random() -> Result<Password> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::failed(format!("the system gives no random numbers: {error}")))?;
    Ok(Password::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// The text that `ALTER ROLE … PASSWORD` takes instead of the password, as psql's `\password` sends
/// it. The server, and so its log, never sees the password.
pub fn verifier(password: &Password) -> String {
    scram_sha_256(password.reveal().as_bytes())
}

/// Whether a text is such a verifier. It then needs no quoting but quotation marks.
pub fn is_verifier(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+/=$:".contains(c);
    text.strip_prefix("SCRAM-SHA-256$")
        .is_some_and(|rest| rest.split(['$', ':']).count() == 4 && rest.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (random().expect("made"), random().expect("made"));
        assert_eq!(one.reveal().len(), 32);
        assert!(one != other);
    }

    #[test]
    fn a_verifier_is_told_from_other_text() {
        let password = Password::new("x");
        let made = verifier(&password);
        assert!(is_verifier(&made), "{made}");
        assert_ne!(made, verifier(&password), "the salt is random");
        for bad in ["", "md5abc", "SCRAM-SHA-256$4096:a$b", "SCRAM-SHA-256$1:a$b:c'; DROP"] {
            assert!(!is_verifier(bad), "{bad}");
        }
    }
}
