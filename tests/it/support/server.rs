//! Servers as the system sees them.

use std::path::Path;

/// Processes that work below `directory`: every PostgreSQL process works in its data directory.
pub fn processes_below(directory: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let works_in = std::fs::read_link(entry.path().join("cwd")).ok()?;
            let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
            (works_in.starts_with(directory) && name.starts_with("postgres")).then_some(pid)
        })
        .collect()
}

/// Every process that works below `directory`, whatever it is.
pub fn anything_below(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let works_in = std::fs::read_link(entry.path().join("cwd")).ok()?;
            let command = std::fs::read(entry.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            works_in.starts_with(directory).then_some(command)
        })
        .collect()
}

/// The pid in a cluster's `postmaster.pid`.
pub fn postmaster(data: &Path) -> u32 {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}
