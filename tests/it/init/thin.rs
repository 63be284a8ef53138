//! Clones of a template: they have no maps of initial catalogs, and throwaway ones have holes in the
//! write-ahead log. Nobody can notice.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, entries, project};

/// A sandbox with a cache of its own, in which a template is.
fn with_template(source: &str) -> Sandbox {
    let mut sandbox = project::with_source(source);
    sandbox.set("XDG_CACHE_HOME", sandbox.path("home/cache"));
    sandbox.init([]).success();
    sandbox
}

/// The free space maps and visibility maps of initial catalogs in a data directory.
fn maps(data: &Path) -> Vec<PathBuf> {
    let databases = entries(&data.join("base"));
    let directories = databases.iter().map(|name| data.join("base").join(name));
    let files = directories.chain([data.join("global")]).flat_map(|directory| {
        entries(&directory).into_iter().map(move |name| directory.join(name)).collect::<Vec<_>>()
    });
    let is_map = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let number = name.strip_suffix("_fsm").or_else(|| name.strip_suffix("_vm"));
        number.is_some_and(|number| number.parse::<u32>().unwrap() < 16384)
    };
    files.filter(is_map).collect()
}

#[test]
fn the_server_makes_the_maps_that_a_clone_lacks() {
    let sandbox = with_template("");
    let data = sandbox.path("pg/data");
    assert!(maps(&data).len() > 100, "initdb makes them");
    sandbox.init(["--fresh"]).success();
    assert_eq!(maps(&data), Vec::<PathBuf>::new());
    assert_eq!(sandbox.ask("SELECT pg_relation_size('pg_proc', 'vm')"), "0");
    sandbox.ask("CREATE TABLE t (n int)");
    sandbox.ask("INSERT INTO t SELECT generate_series(1, 10000)");
    sandbox.ask("VACUUM (FREEZE, ANALYZE)");
    let both =
        "SELECT pg_relation_size('pg_proc', 'vm') > 0 AND pg_relation_size('pg_proc', 'fsm') > 0";
    assert_eq!(sandbox.ask(both), "t");
    sandbox.ask("CREATE EXTENSION pg_visibility");
    let wrong = "SELECT count(*) FROM pg_class, pg_check_visible(pg_class.oid), pg_check_frozen(pg_class.oid)\
        WHERE relkind IN ('r', 't', 'm')";
    assert_eq!(sandbox.ask(wrong), "0");
    sandbox.ask("CREATE EXTENSION amcheck");
    let wrong =
        "SELECT count(*) FROM pg_class, verify_heapam(pg_class.oid) WHERE relkind IN ('r', 't')";
    assert_eq!(sandbox.ask(wrong), "0");
}

#[test]
fn only_a_throwaway_cluster_has_holes_in_its_log() {
    let sandbox = with_template(
        "SHOW data_directory \\gset\n\\setenv DATA :data_directory\n\
         \\! stat -c %b $DATA/pg_wal/000000010000000000000001 > blocks\n",
    );
    sandbox.init(["--fresh"]).success();
    let segment = sandbox.path("pg/data/pg_wal/000000010000000000000001").metadata().unwrap();
    assert_eq!(segment.len(), 16 << 20);
    assert!(segment.blocks() * 512 >= segment.len(), "{} blocks", segment.blocks());
    sandbox.database(["check"]).success();
    let blocks: u64 = sandbox.read("project/blocks").trim().parse().unwrap();
    assert!(blocks * 512 < 14 << 20, "{blocks} blocks");
}
