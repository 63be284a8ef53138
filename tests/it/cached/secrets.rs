//! Cached states with secrets: closed to others, and the clone can open them.

use std::os::unix::fs::PermissionsExt;

use super::{BOTH, check, hydrated, project};
use crate::support::Sandbox;

fn with_secret() -> Sandbox {
    let mut sandbox = project();
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=hunter2");
    sandbox
}

fn token(sandbox: &Sandbox) -> String {
    sandbox.ask("SELECT hectic.get_secret('TOKEN')")
}

#[test]
fn a_deployed_state_can_open_its_secrets() {
    let sandbox = with_secret();
    check(&sandbox);
    let deployed = sandbox.database(["deploy"]).success();
    assert!(deployed.stderr.contains(BOTH), "{deployed}");
    assert_eq!(token(&sandbox), "hunter2");
    sandbox.database(["secrets", "set", "OTHER", "--value-file", "/dev/null"]);
    let again = sandbox.database(["deploy"]).success();
    assert_eq!(token(&sandbox), "hunter2", "{again}");
}

#[test]
fn a_cluster_with_a_key_keeps_sealing_with_it() {
    let sandbox = with_secret();
    sandbox.database(["init"]).success();
    sandbox.give_key();
    check(&sandbox);
    let before = sandbox.read("pg/hectic.key");
    let deployed = sandbox.database(["deploy"]).success();
    assert!(hydrated(&deployed), "the state of the check has another key: {deployed}");
    assert_eq!(token(&sandbox), "hunter2");
    let again = sandbox.database(["deploy"]).success();
    assert!(again.stderr.contains(BOTH), "{again}");
    assert_eq!(token(&sandbox), "hunter2");
    assert_eq!(sandbox.read("pg/hectic.key"), before);
}

#[test]
fn no_secret_is_readable_in_the_cache() {
    let sandbox = with_secret();
    check(&sandbox);
    let cache = sandbox.path("cache/db-tool/template");
    let mut files = Vec::new();
    let mut directories = vec![cache];
    while let Some(directory) = directories.pop() {
        let mode = directory.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", directory.display());
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    assert!(files.iter().any(|file| file.ends_with("hectic.key")), "the key travels along");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{}", file.display());
    }
}
