//! Where a connection goes: a URL resolved by libpq's rules.
