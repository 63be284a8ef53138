//! `database cache`: list, rm, gc, path, export and import.

use std::os::unix::fs::PermissionsExt;

use super::{BOTH, check, hydrated, project, states};

#[test]
fn the_cache_is_listed_and_emptied() {
    let sandbox = project();
    check(&sandbox);
    let listed = sandbox.database(["cache", "list"]).success();
    let place = sandbox.path("project");
    for words in ["name", "hydrated", "patched", "initdb", place.to_str().unwrap()] {
        assert!(listed.stdout.contains(words), "{words}: {listed}");
    }
    assert!(listed.stderr.contains("templates: 3, "), "{listed}");
    let json = sandbox.database(["cache", "list", "--format", "json"]).success().stdout;
    let items: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let patched = items.iter().find(|item| item["kind"] == "patched").unwrap();
    assert_eq!(patched["secrets"], false);
    assert_eq!(patched["project"], place.to_str().unwrap());
    let name = patched["name"].as_str().unwrap();
    sandbox.database(["cache", "rm", &name[..12]]).success();
    assert_eq!(states(&sandbox), ["hydrated"]);
    sandbox.database(["cache", "rm", name]).fails(3, ["the cache has no template", "cache list"]);
    sandbox.database(["cache", "gc"]).success();
    assert_eq!(states(&sandbox), ["hydrated"], "it is young and fits");
    sandbox.database(["cache", "rm", "--all"]).success();
    assert!(states(&sandbox).is_empty());
    let path = sandbox.database(["cache", "path"]).success().stdout;
    assert_eq!(path.trim_end(), sandbox.path("cache/db-tool/template").to_str().unwrap());
    let all = sandbox.database(["status", "--all", "--format", "json"]).success();
    assert!(!all.stdout.contains("patched"), "{all}");
}

#[test]
fn states_travel_in_a_file() {
    let mut sandbox = project();
    check(&sandbox);
    let file = sandbox.path("states");
    let file = file.to_str().unwrap();
    let exported = sandbox.database(["cache", "export", file]).success();
    assert!(exported.stderr.contains("exported: 2 states"), "{exported}");
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds rows");
    sandbox.database(["cache", "export", file]).fails(1, ["states"]);
    std::fs::create_dir(sandbox.path("other")).unwrap();
    sandbox.set("XDG_CACHE_HOME", sandbox.path("other"));
    let imported = sandbox.database(["cache", "import", file]).success();
    assert!(imported.stderr.contains("imported: 2 states"), "{imported}");
    let checked = check(&sandbox);
    assert!(checked.stderr.contains(BOTH) && !hydrated(&checked), "{checked}");
    let deployed = sandbox.database(["deploy"]).success();
    assert!(deployed.stderr.contains(BOTH), "{deployed}");
    assert_eq!(sandbox.ask("SELECT count(*) FROM app.t"), "1");
    let again = sandbox.database(["cache", "import", file]).success();
    assert!(again.stderr.contains("it is in the cache already"), "{again}");
}

#[test]
fn states_with_secrets_do_not_travel() {
    let mut sandbox = project();
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=hunter2");
    check(&sandbox);
    let file = sandbox.path("states");
    let exported = sandbox.database(["cache", "export", file.to_str().unwrap()]).success();
    assert!(exported.stderr.contains("it holds secrets"), "{exported}");
    assert!(exported.stderr.contains("exported: 0 states"), "{exported}");
}

#[test]
fn a_file_that_lies_is_refused() {
    let mut sandbox = project();
    check(&sandbox);
    let export = |sandbox: &crate::support::Sandbox, name: &str| {
        let file = sandbox.path(name);
        sandbox.database(["cache", "export", file.to_str().unwrap()]).success();
        file
    };
    let packed = std::fs::read(export(&sandbox, "states")).unwrap();
    // the manifests hold digests now, and a file is changed after that
    for name in sandbox.entries("cache/db-tool/template") {
        let file = sandbox.path("cache/db-tool/template").join(name).join("data/base/1/PG_VERSION");
        if file.exists() {
            std::fs::write(file, "99\n").unwrap();
        }
    }
    let changed = std::fs::read(export(&sandbox, "changed")).unwrap();
    std::fs::create_dir(sandbox.path("other")).unwrap();
    sandbox.set("XDG_CACHE_HOME", sandbox.path("other"));
    let import = |bytes: &[u8]| {
        let forged = sandbox.write("forged", bytes);
        sandbox.database(["cache", "import", forged.to_str().unwrap()])
    };
    import(&changed).fails(1, ["differs from its manifest"]);
    import(b"no archive").fails(1, []);
    import(&packed[..1000]).fails(1, []);
    let template = sandbox.path("other/db-tool/template");
    let left = crate::support::entries(&template);
    assert!(left.iter().all(|name| name.ends_with(".lock")), "{left:?}");
}
