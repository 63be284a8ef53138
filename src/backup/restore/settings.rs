//! Sorts the settings of a backup: those that suit this machine, and others.
//!
//! A production cluster archives its WAL, follows a primary, waits for standbys, listens on a
//! network, and has certificates and logs at absolute paths. A restore leaves out all such settings.
//! It keeps the others, such as planner settings, limits, preloaded libraries and the project's own
//! settings. It reads them in PostgreSQL's order: `postgresql.conf` with its includes, then
//! `postgresql.auto.conf`.

use std::path::{Component, Path};

use crate::cluster::conf::block_mark;

/// The settings that a restore leaves out. An entry that ends in `*` stands for all names with this
/// beginning.
const LEFT_OUT: [&str; 47] = [
    "archive_*",
    "restore_command",
    "recovery_*",
    "promote_trigger_file",
    "primary_*",
    "hot_standby*",
    "synchronous_standby_names",
    "synchronized_standby_slots",
    "sync_replication_slots",
    "listen_addresses",
    "port",
    "unix_socket_*",
    "bonjour*",
    "ssl",
    "ssl_*",
    "krb_*",
    "gss_*",
    "oauth_*",
    "data_directory",
    "config_file",
    "hba_file",
    "ident_file",
    "external_pid_file",
    "stats_temp_directory",
    "dynamic_library_path",
    "extension_*_path",
    "log_directory",
    "log_destination",
    "log_filename",
    "log_timezone",
    "log_file_mode",
    "logging_collector",
    "syslog_*",
    "event_source",
    "cluster_name",
    "cron.host",
    "shared_buffers",
    "huge_page*",
    "shared_memory_type",
    "dynamic_shared_memory_type",
    "min_dynamic_shared_memory",
    "io_method",
    "jit_provider",
    "lc_messages",
    "fsync",
    "data_sync_retry",
    "default_transaction_read_only",
];

/// The settings that are kept from a block that db-tool has written.
const IN_BLOCK: [&str; 2] = ["shared_preload_libraries", "cron.database_name"];

/// The depth to which includes may nest, as in PostgreSQL.
const DEPTH: usize = 10;

/// The settings of a backup, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::backup) struct Settings {
    /// The settings that are kept: names, and values as they were written.
    kept: Vec<(String, String)>,
    /// The names of the other settings, and includes that cannot be followed.
    pub left_out: Vec<String>,
}

impl Settings {
    /// Reads the settings in a data directory. A cluster with its settings elsewhere (Debian) has
    /// few there.
    pub(in crate::backup) fn read(data: &Path) -> Self {
        let mut settings = Self::default();
        settings.add_file(data, Path::new("postgresql.conf"), 0);
        settings.add_file(data, Path::new("postgresql.auto.conf"), 0);
        settings.left_out.sort_unstable();
        settings.left_out.dedup();
        settings
    }

    fn add_file(&mut self, data: &Path, file: &Path, depth: usize) {
        let Ok(bytes) = crate::sys::process::read_regular(data.join(file)) else { return };
        let mut in_block = false;
        for line in String::from_utf8_lossy(&bytes).lines() {
            in_block = block_mark(line).unwrap_or(in_block);
            let Some((name, value)) = parse(line) else { continue };
            // db-tool writes its block again with other values; only the libraries may be needed
            if in_block && (!IN_BLOCK.contains(&&*name) || unquote(&value).is_empty()) {
                continue;
            }
            let below = file.parent().unwrap_or(Path::new("")).join(unquote(&value));
            match &*name {
                "include" | "include_if_exists" | "include_dir"
                    if depth >= DEPTH || !is_inside(&below) =>
                {
                    self.left_out.push(format!("{name} {value}"));
                }
                "include" | "include_if_exists" => self.add_file(data, &below, depth + 1),
                "include_dir" => self.add_directory(data, &below, depth + 1),
                _ => self.add(name, value),
            }
        }
    }

    fn add_directory(&mut self, data: &Path, directory: &Path, depth: usize) {
        let entries = std::fs::read_dir(data.join(directory)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let text = name.to_string_lossy();
            if text.ends_with(".conf") && !text.starts_with('.') {
                self.add_file(data, &directory.join(&name), depth);
            }
        }
    }

    fn add(&mut self, name: String, value: String) {
        self.kept.retain(|(known, _)| *known != name);
        if belongs_elsewhere(&name, &unquote(&value)) {
            if !is_harmless(&name, &value) {
                self.left_out.push(name);
            }
        } else {
            self.kept.push((name, value));
        }
    }

    /// The value of a kept setting.
    pub(in crate::backup) fn get(&self, name: &str) -> Option<String> {
        self.kept.iter().find(|(known, _)| known == name).map(|(_, value)| unquote(value))
    }

    /// Removes a setting that the caller decides.
    pub(in crate::backup) fn remove(&mut self, name: &str) {
        self.kept.retain(|(known, _)| known != name);
    }

    /// Removes the `absent` names from a list of libraries.
    pub(in crate::backup) fn keep_of_list(
        &mut self,
        name: &str,
        present: &[&str],
        absent: &[&str],
    ) {
        self.remove(name);
        if !present.is_empty() {
            self.set_default(name, &present.join(",").replace('\'', "''"));
        }
        self.left_out.push(format!("{name} ({})", absent.join(", ")));
    }

    /// Sets a value unless the backup has one.
    pub(in crate::backup) fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.kept.push((name.to_owned(), format!("'{value}'")));
        }
    }

    /// The kept settings as lines of a `postgresql.conf`.
    pub(in crate::backup) fn text(&self) -> String {
        self.kept.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
    }
}

/// Whether a setting can be left out without a message, because every new cluster sets it.
fn is_harmless(name: &str, value: &str) -> bool {
    let ours = ["port", "log_", "logging_", "unix_", "shared_b", "lc_", "dynamic_shared", "fsync"];
    let off = ["", "off", "localhost"].contains(&unquote(value).as_str());
    off || ours.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a setting of a cluster, a role or a database suits only another machine.
pub(in crate::backup) fn belongs_elsewhere(name: &str, value: &str) -> bool {
    is_left_out(name) || value.starts_with('/')
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.iter().any(|pattern| match pattern.split_once('*') {
        None => name == *pattern,
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
    })
}

fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Parses a line as `guc-file.l` does: the name in lower case, and the value as it was written.
fn parse(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"_.$".contains(c))?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let end = match rest.strip_prefix('\'') {
        Some(quoted) => 1 + end_of_quoted(quoted)?,
        None => rest.find(|c: char| c.is_whitespace() || c == '#').unwrap_or(rest.len()),
    };
    (end > 0).then(|| (name.to_ascii_lowercase(), rest[..end].to_owned()))
}

/// The position after the closing quote of a quoted value.
fn end_of_quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(_)) | (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// A value without its quotes.
fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) else {
        return value.to_owned();
    };
    inner.replace("''", "'").replace("\\'", "'").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conf::Conf;

    fn read(files: &[(&str, &str)]) -> Settings {
        let data = tempfile::tempdir().expect("temporary directory");
        for (name, text) in files {
            let path = data.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        Settings::read(data.path())
    }

    #[test]
    fn lines_are_read_as_postgresql_reads_them() {
        for (line, name, value) in [
            ("work_mem = 4MB # comment", "work_mem", "4MB"),
            ("  Work_Mem 4MB", "work_mem", "4MB"),
            ("a.b='it''s # no \\' comment' # x", "a.b", "'it''s # no \\' comment'"),
            ("x=1", "x", "1"),
        ] {
            assert_eq!(parse(line), Some((name.into(), value.into())), "{line}");
        }
        for line in ["", "# x = 1", "   ", "work_mem", "x = 'open"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_last_one_counts_wherever_it_stands() {
        let settings = read(&[
            ("postgresql.conf", "work_mem = 1MB\ninclude_dir 'conf.d'\nmax_connections = 7\n"),
            ("conf.d/a.conf", "work_mem = 2MB\njit = off\n"),
            ("conf.d/b.txt", "jit = on\n"),
            ("postgresql.auto.conf", "jit = 'on'\n"),
        ]);
        assert_eq!(settings.text(), "work_mem = 2MB\nmax_connections = 7\njit = 'on'\n");
    }

    #[test]
    fn what_belongs_to_another_machine_is_left_out() {
        let settings = read(&[(
            "postgresql.conf",
            "archive_mode = on\nssl = on\nssl_cert_file = 'a.crt'\nlisten_addresses = '*'\n\
             primary_conninfo = 'host=x'\nshop.key_file = '/etc/key'\nsynchronous_standby_names = 'a'\n\
             include '/etc/x.conf'\ninclude_if_exists '../y.conf'\nport = 5433\nshop.mode = 'live'\n",
        )]);
        assert_eq!(settings.text(), "shop.mode = 'live'\n");
        assert_eq!(
            settings.left_out,
            [
                "archive_mode",
                "include '/etc/x.conf'",
                "include_if_exists '../y.conf'",
                "listen_addresses",
                "primary_conninfo",
                "shop.key_file",
                "ssl",
                "ssl_cert_file",
                "synchronous_standby_names"
            ]
        );
    }

    #[test]
    fn a_block_of_ours_gives_its_libraries_only() {
        let block = Conf::default().set("timezone", "UTC").set("shared_preload_libraries", "x");
        let text = block.written_into("work_mem = 1MB\n") + "jit = off\n";
        let expected = "work_mem = 1MB\nshared_preload_libraries = 'x'\njit = off\n";
        assert_eq!(read(&[("postgresql.conf", &text)]).text(), expected);
    }

    #[test]
    fn includes_that_go_round_end() {
        assert_eq!(read(&[("postgresql.conf", "include 'postgresql.conf'\n")]).text(), "");
    }
}
