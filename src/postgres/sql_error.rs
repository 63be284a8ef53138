//! SQL errors that point at the character.
