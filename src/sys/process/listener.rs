//! The process that listens on a TCP port, as the operating system describes it.

use std::net::IpAddr;
use std::path::PathBuf;

use super::ActingAs;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Process id.
    pub pid: u32,
    /// The program's short name.
    pub name: String,
    /// Its working directory, if the system shows it.
    pub directory: Option<PathBuf>,
}

/// The process that listens on `port` of `address`. `None` if the system does not show it: it then
/// belongs to another user, or runs in another container.
pub fn listener(address: IpAddr, port: u16) -> Option<Listener> {
    // with the rights of another user, the system hides processes
    let _ourselves = ActingAs::ourselves();
    system::listener(address, port)
}

/// Reads proc(5).
#[cfg(target_os = "linux")]
mod system {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::path::Path;

    use super::Listener;

    /// The state of a socket that listens, in `/proc/net/tcp`.
    const LISTENS: &str = "0A";
    /// The position of the inode in a line.
    const INODE: usize = 9;

    pub(super) fn listener(address: IpAddr, port: u16) -> Option<Listener> {
        let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .filter_map(|table| std::fs::read_to_string(table).ok())
            .find_map(|table| table.lines().skip(1).find_map(|line| inode(line, address, port)))?;
        let entries = std::fs::read_dir("/proc").ok()?.flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        // the server's children have its socket, too: take the one that has opened it
        let holders = pids.by_ref().filter(|pid| holds(*pid, inode));
        holders.min().map(describe)
    }

    /// The inode of the socket in a line of the table, if it listens on this port of this address.
    pub(super) fn inode(line: &str, address: IpAddr, port: u16) -> Option<u64> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (local, local_port) = fields.get(1)?.split_once(':')?;
        let local = parse(local)?;
        let is_same = local.is_unspecified() || address.is_unspecified() || local == address;
        let is_it = fields.get(3) == Some(&LISTENS)
            && u16::from_str_radix(local_port, 16) == Ok(port)
            && is_same;
        is_it.then(|| fields.get(INODE)?.parse().ok()).flatten()
    }

    /// An address in hexadecimal digits: words of 32 bits in the order of this machine.
    fn parse(text: &str) -> Option<IpAddr> {
        let word = |at: usize| {
            let digits = text.get(at..at + 8)?;
            u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
        };
        if text.len() == 8 {
            return Some(Ipv4Addr::from(word(0)?).into());
        }
        let words = [word(0)?, word(8)?, word(16)?, word(24)?];
        let bytes: [u8; 16] = words.concat().try_into().ok()?;
        Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical())
    }

    fn holds(pid: u32, inode: u64) -> bool {
        let socket = format!("socket:[{inode}]");
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| std::fs::read_link(file.path()).ok())
            .any(|link| link == Path::new(&socket))
    }

    fn describe(pid: u32) -> Listener {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).ok();
        Listener { pid, name: name.trim_end().to_owned(), directory }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::net::IpAddr;

    use super::Listener;

    pub(super) fn listener(_: IpAddr, _: u16) -> Option<Listener> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_found() {
        for address in ["127.0.0.1", "0.0.0.0"] {
            let listening = TcpListener::bind((address, 0)).expect("bound");
            let port = listening.local_addr().expect("an address").port();
            let found = listener(IpAddr::from([127, 0, 0, 1]), port).expect("found");
            assert_eq!(found.pid, std::process::id());
            assert_eq!(found.directory, std::env::current_dir().ok());
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_sockets_that_listen_on_the_address_count() {
        let line = "  1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 \
                    0 0 4711 1 0 100 0 0 10 0";
        let at =
            |line: &str, last, port| system::inode(line, IpAddr::from([127, 0, 0, last]), port);
        if cfg!(target_endian = "little") {
            assert_eq!(at(line, 1, 5432), Some(4711));
            assert_eq!(at(line, 2, 5432), None);
        }
        assert_eq!(at(line, 1, 5433), None);
        assert_eq!(at(&line.replace(" 0A ", " 01 "), 1, 5432), None);
        assert_eq!(at("", 1, 5432), None);
    }
}
