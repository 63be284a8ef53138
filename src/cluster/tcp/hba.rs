//! The lines of `pg_hba.conf` about TCP connections.
//!
//! The server takes the first line that fits. So the lines stand above all others, and they fit
//! every TCP connection: a line below them, such as the `trust` that `initdb` writes, never lets
//! somebody in without a password.

use super::Tcp;

/// The first line of the block.
const BEGIN: &str = "# --- db-tool: connections over TCP; rewritten at every start ---";
/// The last line of the block.
const END: &str = "# --- db-tool: end ---";

/// Returns `existing` with the lines for `tcp` at its beginning, or without such lines.
pub(in crate::cluster) fn written_into(existing: &str, tcp: Option<&Tcp>) -> String {
    let rest = match existing.split_once(BEGIN) {
        Some((before, after)) => {
            let after = after.split_once(END).map_or("", |(_, rest)| rest);
            format!("{before}{}", after.strip_prefix('\n').unwrap_or(after))
        }
        None => existing.to_owned(),
    };
    let Some(tcp) = tcp else { return rest };
    let allowed: &[&str] =
        if tcp.is_loopback_only() { &["127.0.0.0/8", "::1/128"] } else { &["all"] };
    let of = if tcp.tls() { "hostssl" } else { "host" };
    let mut lines: Vec<String> = allowed
        .iter()
        .map(|from| format!("{of}  all          all  {from}  scram-sha-256\n"))
        .collect();
    lines.push("host  all          all  all  reject\n".to_owned());
    lines.push("host  replication  all  all  reject\n".to_owned());
    format!("{BEGIN}\n{}{END}\n{rest}", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_come_first_and_go_again() {
        let own = "local all all trust\nhost all all all trust\n";
        let tcp = Tcp::new("127.0.0.1", false).expect("an address");
        let with = written_into(own, Some(&tcp));
        assert!(with.starts_with(BEGIN) && with.ends_with(own), "{with}");
        assert_eq!(with.matches("trust").count(), 2);
        assert!(with.find("all  reject").expect("there") < with.find("trust").expect("there"));
        assert_eq!(written_into(&with, Some(&tcp)), with);
        assert_eq!(written_into(&with, None), own);
        assert_eq!(written_into(own, None), own);
    }

    #[test]
    fn with_tls_nobody_is_let_in_without_it() {
        let tcp = Tcp::new("::1", false).expect("an address").with_tls(true);
        let text = written_into("", Some(&tcp));
        assert!(text.contains("hostssl  all          all  ::1/128  scram-sha-256"), "{text}");
        assert!(!text.contains("host  all          all  ::1/128"), "{text}");
    }

    #[test]
    fn a_public_address_lets_every_client_ask() {
        let tcp = Tcp::new("0.0.0.0", true).expect("an address");
        let text = written_into("", Some(&tcp));
        assert!(text.contains("host  all          all  all  scram-sha-256"), "{text}");
        assert!(!text.contains("trust"), "{text}");
    }
}
