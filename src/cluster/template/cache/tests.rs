//! Tests of the cache of templates.

use std::fs::File;

use super::*;

/// A cache, the data directory of a cluster, and the permission to make a template of it.
fn places() -> (tempfile::TempDir, PathBuf, Vacancy) {
    let parent = tempfile::tempdir().expect("temporary directory");
    let data = parent.path().join("data");
    std::fs::create_dir_all(data.join("base")).expect("made");
    std::fs::write(data.join("base/1"), "one").expect("written");
    let directory = parent.path().join("cache/key");
    private_directory(&parent.path().join("cache")).expect("made");
    let lock = Lock::try_take(&lock_of(&directory)).expect("can lock").expect("free");
    (parent, data, Vacancy { directory, lock })
}

fn cached(parent: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(parent.path().join("cache")).expect("readable");
    let names = entries.map(|entry| entry.expect("read").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_recording_is_a_template_once_it_is_dropped() {
    let (parent, data, vacancy) = places();
    drop(vacancy.record(&data, "postgres 17".into(), None, Spares::Off).expect("copied"));
    assert!(data.join("base/1").exists(), "the cluster goes on with its own");
    assert_eq!(cached(&parent), ["key", "key.lock"]);
    let template = Template::open(&parent.path().join("cache/key")).expect("published");
    assert!(template.is_intact());
    template.clone_to(&parent.path().join("clone"), Holes::Fill, Spares::Off).expect("cloned");
    let copied = std::fs::read_to_string(parent.path().join("clone/base/1"));
    assert_eq!(copied.expect("there"), "one");
}

#[test]
fn nobody_makes_a_template_that_is_being_recorded() {
    let (parent, data, vacancy) = places();
    let lock = parent.path().join("cache/key.lock");
    let staging = vacancy.stage().expect("made");
    assert!(Lock::try_take(&lock).expect("can try").is_none());
    move_tree(&data, &staging.data()).expect("moved");
    staging.publish("postgres 17").expect("published");
    assert!(Lock::try_take(&lock).expect("can try").is_some());
}

#[test]
fn nothing_stays_of_a_template_that_was_not_published() {
    let (parent, data, vacancy) = places();
    std::os::unix::fs::symlink("base", data.join("link")).expect("linked");
    assert!(
        vacancy.record(&data, "postgres 17".into(), None, Spares::Off).is_err(),
        "a link is no file"
    );
    assert_eq!(cached(&parent), ["key.lock"]);
}

#[test]
fn a_template_that_another_command_makes_is_left_to_it() {
    use crate::postgres::toolchain::{Search, Toolchain};
    let (parent, data, _vacancy) = places();
    let (cache, bindir) = (parent.path().join("cache"), parent.path().join("bin"));
    std::fs::create_dir(&bindir).expect("made");
    for program in ["postgres", "initdb", "psql"] {
        let mut file = File::options();
        file.write(true).create(true).mode(0o755).open(bindir.join(program)).expect("made");
    }
    let search = Search { bindir: Some(bindir), ..Search::default() };
    let toolchain = Toolchain::locate(&search, &Default::default()).expect("complete");
    let recipe = Recipe { toolchain: &toolchain, superuser: "me", user: None };
    let stage = Stage { word: "prepared", key: "role" };
    let name = recipe.name(Some(stage)).expect("digested");
    assert_ne!(name, recipe.name(None).expect("digested"));
    let _other = Lock::try_take(&lock_of(&cache.join(name))).expect("can lock").expect("free");
    let deposit = Deposit { stage, data: &data, moves: true, is_lasting: true, files: Vec::new() };
    assert!(Template::adopt(&cache, &recipe, &deposit).expect("tried").is_none());
    assert!(data.join("base/1").exists());
}

#[test]
fn what_a_killed_command_left_is_replaced() {
    let (parent, data, vacancy) = places();
    std::fs::create_dir_all(parent.path().join("cache/key.new/data/half")).expect("made");
    drop(vacancy.record(&data, "postgres 17".into(), None, Spares::Off).expect("copied"));
    assert!(!parent.path().join("cache/key/data/half").exists());
    assert_eq!(cached(&parent), ["key", "key.lock"]);
}

#[test]
fn a_changed_template_is_noticed_and_discarded() {
    let (parent, data, vacancy) = places();
    drop(vacancy.record(&data, "postgres 17".into(), None, Spares::Off).expect("copied"));
    let template = Template::open(&parent.path().join("cache/key")).expect("published");
    std::fs::write(parent.path().join("cache/key/data/base/1"), "two").expect("written");
    assert!(!template.is_intact());
    let cloned = template.clone_to(&parent.path().join("clone"), Holes::Fill, Spares::Off);
    assert!(matches!(cloned, Err(CopyFailure::Damaged(_))), "{cloned:?}");
    template.discard().expect("removed");
    assert_eq!(cached(&parent), ["key.lock"]);
}

#[test]
fn templates_that_nobody_used_for_long_are_forgotten() {
    let (parent, data, vacancy) = places();
    let old = parent.path().join("cache/old");
    std::fs::create_dir(&old).expect("made");
    std::fs::write(old.join(MANIFEST), "").expect("written");
    let manifest = File::open(old.join(MANIFEST)).expect("opened");
    manifest
        .set_modified(SystemTime::now() - 2 * crate::cluster::template::trim::FORGET_AFTER)
        .expect("aged");
    drop(vacancy.record(&data, "postgres 17".into(), None, Spares::Off).expect("copied"));
    assert_eq!(cached(&parent), ["key", "key.lock"]);
}
