//! The template cache: built once, and used only while it is complete.

use std::fs::{File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::support::{Outcome, Sandbox, entries, finish, wait_until};

const BUILDING: &str = "initialising a cluster as the template";

const PREPARED: &str = "cloning a prepared cluster";

/// A sandbox with its own cache and its own configuration, for which no prepared clusters exist. So
/// every clone is a clone of the result of `initdb`.
fn with_cache() -> Sandbox {
    let mut sandbox = with_prepared_cache();
    let conf = sandbox.write("own.conf", "listen_addresses = ''\n");
    sandbox.set("PG_CONF_FILE", conf);
    sandbox
}

/// A sandbox with a cache of its own.
fn with_prepared_cache() -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("XDG_CACHE_HOME", sandbox.path("home/cache"));
    sandbox
}

fn cache(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("home/cache/db-tool/template")
}

/// The only template.
fn template(sandbox: &Sandbox) -> PathBuf {
    let mut names = entries(&cache(sandbox));
    names.retain(|name| !name.ends_with(".lock"));
    assert_eq!(names.len(), 1, "{names:?}");
    cache(sandbox).join(&names[0])
}

fn init(sandbox: &Sandbox) -> Outcome {
    let done = sandbox.init(["--fresh", "--verbose"]).success();
    assert_eq!(sandbox.ask_in("postgres", "SELECT count(*) > 0 FROM pg_class"), "t");
    done
}

/// Changes a file in place and restores its modification time.
fn change_secretly(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[test]
fn the_second_cluster_is_a_clone() {
    let sandbox = with_cache();
    assert!(init(&sandbox).stderr.contains(BUILDING));
    assert!(!init(&sandbox).stderr.contains(BUILDING));
    let template = template(&sandbox);
    assert!(template.join("manifest").is_file());
    assert_eq!(cache(&sandbox).metadata().unwrap().mode() & 0o077, 0, "private");
    assert_eq!(sandbox.entries("tmp"), [""; 0], "nothing is left of the making");
}

#[test]
fn nothing_is_shared_between_clones() {
    let sandbox = with_cache();
    init(&sandbox);
    let data = template(&sandbox).join("data");
    for name in ["PG_VERSION", "global/1262", "base/1/1259", "global/pg_control"] {
        let (original, copy) = (data.join(name), sandbox.path("pg/data").join(name));
        let (original, copy) = (original.metadata().unwrap(), copy.metadata().unwrap());
        assert_eq!((original.nlink(), copy.nlink()), (1, 1), "{name}");
        assert_ne!(original.ino(), copy.ino(), "{name}");
    }
}

#[test]
fn a_template_is_built_once_whoever_asks() {
    let mut sandbox = with_cache();
    let children: Vec<_> = ["a", "b", "c"]
        .map(|name| {
            sandbox.set("PG_WORKING_DIR", sandbox.path(name));
            sandbox.spawn("postgres-init", ["--verbose"])
        })
        .into_iter()
        .collect();
    let done: Vec<_> = children.into_iter().map(|child| finish(child, None).success()).collect();
    let built = done.iter().filter(|outcome| outcome.stderr.contains(BUILDING)).count();
    assert_eq!(built, 1, "{done:?}");
    template(&sandbox);
}

#[test]
fn a_file_of_another_size_or_content_or_none_has_it_rebuilt() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("truncated", |data| std::fs::write(data.join("base/1/1259"), "").unwrap()),
        ("longer, same time", |data| {
            change_secretly(&data.join("base/1/1259"), |bytes| bytes.push(0));
        }),
        ("same size, other content", |data| {
            let path = data.join("base/1/1259");
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[100] ^= 0xff;
            std::fs::write(path, bytes).unwrap();
        }),
        ("missing", |data| std::fs::remove_file(data.join("base/1/1259")).unwrap()),
        ("no manifest", |data| std::fs::remove_file(data.join("../manifest")).unwrap()),
    ];
    let sandbox = with_cache();
    init(&sandbox);
    for (what, damage) in damages {
        damage(&template(&sandbox).join("data"));
        assert!(init(&sandbox).stderr.contains(BUILDING), "{what}");
    }
    assert!(!init(&sandbox).stderr.contains(BUILDING), "mended");
    assert_eq!(sandbox.beside("data"), ["data"]);
}

#[test]
fn a_torn_manifest_has_it_rebuilt() {
    let sandbox = with_cache();
    init(&sandbox);
    let manifest = template(&sandbox).join("manifest");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    assert!(init(&sandbox).stderr.contains(BUILDING));
}

#[test]
fn a_touched_file_is_the_same_file() {
    let sandbox = with_cache();
    init(&sandbox);
    let file = template(&sandbox).join("data/PG_VERSION");
    let text = std::fs::read(&file).unwrap();
    std::fs::write(&file, text).unwrap();
    assert!(!init(&sandbox).stderr.contains(BUILDING));
}

#[test]
fn a_change_that_only_digests_see_is_found_when_the_start_fails() {
    let sandbox = with_cache();
    init(&sandbox);
    let control = template(&sandbox).join("data/global/pg_control");
    change_secretly(&control, |bytes| bytes[40] ^= 0xff);
    let told = init(&sandbox);
    assert!(told.stderr.contains("the template was damaged"), "{told}");
    assert!(told.stderr.contains(BUILDING), "{told}");
    assert_eq!(sandbox.beside("data"), ["data"]);
}

#[test]
fn the_third_cluster_is_cloned_with_its_role_and_database() {
    let mut sandbox = with_prepared_cache();
    let url = format!("postgresql://dev@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", &url);
    assert!(!init(&sandbox).stderr.contains(PREPARED), "a first one is not worth it");
    assert!(init(&sandbox).stderr.contains(PREPARED), "the second is made of the second");
    let third = init(&sandbox);
    assert!(third.stderr.contains(PREPARED) && !third.stderr.contains(BUILDING), "{third}");
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'";
    assert_eq!(sandbox.query(&url, owner), "dev");
    sandbox.set("DB_URL", url.replace("/app", "/other"));
    init(&sandbox);
    let names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database";
    assert_eq!(sandbox.ask_in("postgres", names), "other postgres template0 template1");
}

#[test]
fn a_damaged_prepared_cluster_is_made_anew() {
    let sandbox = with_prepared_cache();
    init(&sandbox);
    init(&sandbox);
    let prepared = || {
        let mut names = entries(&cache(&sandbox));
        names.retain(|name| name.ends_with("-prepared"));
        assert_eq!(names.len(), 1, "{names:?}");
        cache(&sandbox).join(&names[0]).join("data")
    };
    std::fs::remove_file(prepared().join("base/1/1259")).unwrap();
    init(&sandbox);
    change_secretly(&prepared().join("global/pg_control"), |bytes| bytes[40] ^= 0xff);
    init(&sandbox);
    assert!(init(&sandbox).stderr.contains(PREPARED));
    assert_eq!(sandbox.beside("data"), ["data"]);
}

#[test]
fn it_can_be_turned_off() {
    let mut sandbox = with_cache();
    sandbox.set("PG_TEMPLATE", "off");
    assert!(!init(&sandbox).stderr.contains(BUILDING));
    assert!(!cache(&sandbox).exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("XDG_CACHE_HOME", sandbox.write("file", "mine"));
    assert!(!init(&sandbox).stderr.contains(BUILDING));
    assert_eq!(sandbox.read("file"), "mine");
}

#[test]
fn an_interrupted_build_leaves_no_template() {
    for signal in ["TERM", "KILL"] {
        let sandbox = with_cache();
        let child = sandbox.spawn("postgres-init", [""; 0]);
        let staging = || {
            let cache = cache(&sandbox);
            cache.is_dir() && entries(&cache).iter().any(|name| name.ends_with(".new"))
        };
        wait_until("it builds", staging);
        crate::support::wait::signal(signal, child.id());
        let ended = finish(child, None);
        assert!(ended.signal.is_some(), "{ended}");
        let names = entries(&cache(&sandbox));
        for whole in names.iter().filter(|name| !name.contains('.')) {
            assert!(cache(&sandbox).join(whole).join("manifest").is_file(), "{names:?}");
        }
        if signal == "TERM" {
            assert!(!staging(), "{names:?}");
            assert_eq!(sandbox.entries("tmp"), [""; 0]);
        }
        init(&sandbox);
        template(&sandbox); // alone: what was left is gone
    }
}

#[test]
fn each_set_of_options_has_a_template_of_its_own() {
    let mut sandbox = with_cache();
    init(&sandbox);
    template(&sandbox);
    if crate::support::is_root() {
        // another user gets a superuser of that name, and another cache
        let mut other = Sandbox::with_cluster();
        other.act_as("nobody");
        other.init([]).success();
        let mut names = entries(&other.path("home/.cache/db-tool/template"));
        names.retain(|name| !name.ends_with(".lock"));
        assert_ne!(names[0], template(&sandbox).file_name().unwrap().to_str().unwrap());
    } else {
        sandbox.set("PG_REUSE", "1");
        assert!(!init(&sandbox).stderr.contains(BUILDING));
    }
}

/// A sparse file of so many bytes.
fn vast(path: &Path, bytes: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().set_len(bytes).unwrap();
}

/// The limit of the cache in megabytes, which depends on the free space.
fn limit(sandbox: &Sandbox) -> u64 {
    let told = sandbox.database(["doctor"]).stdout;
    let (_, limit) = told.split_once(" of at most ").unwrap();
    limit.split(' ').next().unwrap().parse().unwrap()
}

/// A template with another key that takes more than half of the cache, last used so many hours ago.
fn stranger(sandbox: &Sandbox, name: &str, hours: u64) -> PathBuf {
    let directory = cache(sandbox).join(name);
    vast(&directory.join("data/base"), limit(sandbox) * 600_000);
    let used = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
    let manifest = File::create(directory.join("manifest")).unwrap();
    manifest.set_modified(used).unwrap();
    directory
}

#[test]
fn the_least_recently_used_templates_make_room_for_a_new_one() {
    let sandbox = with_cache();
    let (old, recent) = (stranger(&sandbox, "old", 2), stranger(&sandbox, "recent", 1));
    let told = sandbox.database(["doctor"]);
    assert!(told.stdout.contains("templates: 2, ") && limit(&sandbox) <= 2000, "{told}");
    init(&sandbox);
    assert!(!old.exists() && recent.exists());
    assert!(sandbox.database(["status"]).success().stdout.contains("\ncache:    templates: 2, "));
}

#[test]
fn a_template_that_is_being_cloned_stays() {
    let sandbox = with_cache();
    let (old, older) = (stranger(&sandbox, "old", 2), stranger(&sandbox, "older", 3));
    stranger(&sandbox, "recent", 1);
    let lock = File::create(old.with_extension("lock")).unwrap();
    let held = Flock::lock(lock, FlockArg::LockSharedNonblock).unwrap();
    init(&sandbox);
    assert!(old.exists() && !older.exists());
    drop(held);
}

#[test]
fn what_a_killed_command_was_making_goes_too() {
    let sandbox = with_cache();
    let half = cache(&sandbox).join("half.new/data");
    std::fs::create_dir_all(&half).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    File::open(half.parent().unwrap()).unwrap().set_modified(long_ago).unwrap();
    init(&sandbox);
    assert!(!half.exists());
}
