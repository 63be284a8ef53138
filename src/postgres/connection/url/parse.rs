//! Parses the two forms as libpq does (`conninfo_uri_parse_options` and `conninfo_parse` in its
//! `fe-connect.c`). No error message repeats the text, any part of which may be a password.

use super::PgUrl;
use crate::sys::error::{Error, Result};

/// Parses a URL if the text begins like one, else `key=value` pairs.
pub(super) fn parse(text: &str) -> Result<PgUrl> {
    let rest = ["postgresql://", "postgres://"].iter().find_map(|start| text.strip_prefix(start));
    match rest {
        Some(rest) => parse_url(rest),
        None => parse_pairs(text),
    }
}

/// Parses the text after `postgresql://`.
fn parse_url(text: &str) -> Result<PgUrl> {
    let mut url = PgUrl::default();
    let rest = parse_credentials(text, &mut url)?;
    let after = parse_hosts(rest, &mut url)?;
    let authority = &rest[..rest.len() - after.len()];
    let (path, query) = after.split_once('?').unwrap_or((after, ""));
    // If a password has an @ or a / that is not encoded, a part of it would be read as a host or a
    // database, which messages show. (libpq would connect to that host.)
    if authority.contains('@') || url.get("user").is_none() && path.contains('@') {
        return Err(malformed("an \"@\" stands behind the host (write %40 for one in a password)"));
    }
    let query = query.strip_suffix('&').unwrap_or(query);
    store_filled(&mut url, "dbname", path.strip_prefix('/').unwrap_or(path))?;
    if !query.is_empty() {
        query.split('&').try_for_each(|pair| parse_query_pair(pair, &mut url))?;
    }
    Ok(url)
}

/// `user:password@`, if there is an `@` before the first slash.
fn parse_credentials<'a>(text: &'a str, url: &mut PgUrl) -> Result<&'a str> {
    let end = text.find(['@', '/']).filter(|end| text[*end..].starts_with('@'));
    let Some(end) = end else { return Ok(text) };
    let (user, password) = text[..end].split_once(':').unwrap_or((&text[..end], ""));
    store_filled(url, "user", user)?;
    store_filled(url, "password", password)?;
    Ok(&text[end + 1..])
}

/// `host:port,[address]:port`, up to the path or the query.
fn parse_hosts<'a>(text: &'a str, url: &mut PgUrl) -> Result<&'a str> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    let mut rest = text;
    loop {
        let (host, after) = parse_host(rest)?;
        hosts.push_str(host);
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(['/', '?', ',']).unwrap_or(after.len());
            ports.push_str(&after[..end]);
            rest = &after[end..];
        }
        let Some(after) = rest.strip_prefix(',') else { break };
        rest = after;
        hosts.push(',');
        ports.push(',');
    }
    store_filled(url, "host", &hosts)?;
    // a text of commas only counts, too: it keeps PGPORT out
    store_filled(url, "port", &ports)?;
    Ok(rest)
}

/// One host. The brackets of an IPv6 address are removed.
fn parse_host(text: &str) -> Result<(&str, &str)> {
    let Some(inside) = text.strip_prefix('[') else {
        return Ok(text.split_at(text.find([':', '/', '?', ',']).unwrap_or(text.len())));
    };
    let (host, rest) = inside
        .split_once(']')
        .ok_or_else(|| malformed("an IPv6 address lacks its closing bracket"))?;
    if host.is_empty() {
        return Err(malformed("an IPv6 address is empty"));
    }
    if !rest.is_empty() && !rest.starts_with([':', '/', '?', ',']) {
        return Err(malformed("an IPv6 address is followed by neither a port nor a path"));
    }
    Ok((host, rest))
}

/// `key=value` in the query. `ssl=true` is JDBC's form of `sslmode=require` (§34.1.1.2).
fn parse_query_pair(pair: &str, url: &mut PgUrl) -> Result<()> {
    let (key, value) =
        pair.split_once('=').ok_or_else(|| malformed("a query parameter lacks its \"=\""))?;
    if value.contains('=') {
        return Err(malformed("a query parameter has a second \"=\" (write %3D)"));
    }
    let (key, value) = (decode(key)?, decode(value)?);
    if key == "ssl" && value == "true" {
        return store(url, "sslmode", "require");
    }
    store(url, &key, &value)
}

/// The form `key=value`. Values may be quoted, and `\` quotes the next character.
fn parse_pairs(text: &str) -> Result<PgUrl> {
    let mut url = PgUrl::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) =
            rest.split_once('=').ok_or_else(|| malformed("a parameter lacks its \"=\""))?;
        let key = key.trim_end();
        if key.contains(char::is_whitespace) {
            return Err(malformed("a parameter lacks its \"=\""));
        }
        let (value, after) = parse_value(after.trim_start())?;
        store(&mut url, key, &value)?;
        rest = after.trim_start();
    }
    Ok(url)
}

/// A value, quoted or up to the next space, and the text after it.
fn parse_value(text: &str) -> Result<(String, &str)> {
    let quoted = text.starts_with('\'');
    let text = text.strip_prefix('\'').unwrap_or(text);
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            space if !quoted && space.is_ascii_whitespace() => return Ok((value, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted {
        return Err(malformed("a quoted value lacks its closing quote"));
    }
    Ok((value, ""))
}

/// Decodes and stores a part of the authority or the path. An empty part leaves the parameter open.
fn store_filled(url: &mut PgUrl, key: &str, encoded: &str) -> Result<()> {
    if encoded.is_empty() { Ok(()) } else { store(url, key, &decode(encoded)?) }
}

fn store(url: &mut PgUrl, key: &str, value: &str) -> Result<()> {
    if value.contains('\0') {
        return Err(malformed("a value holds a zero byte"));
    }
    if url.set(key, value) {
        return Ok(());
    }
    let unknown = Error::conflict("the connection string has a parameter that libpq does not know");
    Err(match similar_keyword(key) {
        Some(keyword) => unknown.hint(format!("did you mean {keyword}?")),
        None => unknown.hint("see PostgreSQL manual §34.1.2, Parameter Key Words"),
    })
}

/// The keyword that `key` probably means. A password is hardly similar to a keyword, and would not
/// be shown in any case.
fn similar_keyword(key: &str) -> Option<&'static str> {
    let distance = |keyword| strsim::damerau_levenshtein(key, keyword);
    let nearest =
        super::KEYWORDS.iter().map(|(keyword, _)| *keyword).min_by_key(|k| distance(k))?;
    (distance(nearest) <= 2).then_some(nearest)
}

/// Decodes percent-encoding. The result must be UTF-8.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digit = |at: usize| after.get(at).and_then(|b| (*b as char).to_digit(16));
            let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                return Err(malformed("a \"%\" is not followed by two hexadecimal digits"));
            };
            bytes.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("a percent-encoded value is not UTF-8"))
}

fn malformed(why: &str) -> Error {
    Error::conflict(format!("cannot read the connection string: {why}")).hint(
        "write postgresql://USER@HOST:PORT/DATABASE, or for a socket \
         postgresql://USER@localhost/DATABASE?host=/DIRECTORY&port=PORT",
    )
}
