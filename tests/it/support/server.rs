//! Servers as the system sees them.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{self, Process};

/// Processes that work below `directory`: every PostgreSQL process works in its data directory.
pub fn processes_below(directory: &Path) -> Vec<u32> {
    let servers = below(directory).filter(|process| process.name().starts_with("postgres"));
    servers.map(|process| process.pid).collect()
}

/// The command lines of all processes that work below `directory`.
pub fn anything_below(directory: &Path) -> Vec<String> {
    below(directory).map(|process| process.words().join(" ")).collect()
}

fn below(directory: &Path) -> impl Iterator<Item = Process> {
    process::all()
        .filter(move |process| process.works_in().is_some_and(|own| own.starts_with(directory)))
}

/// The pid in a cluster's `postmaster.pid`.
pub fn postmaster(data: &Path) -> u32 {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

/// The port in a cluster's `postmaster.pid`.
pub fn port(data: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines().nth(3)?.trim().parse().ok()
}

/// A port on which nobody listens, for a server that cannot choose one itself. The system does not
/// give out this port, and no other test gets it.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let ours = std::process::id();
    loop {
        let number = ours.wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst));
        let port = 10_000 + (number % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
