//! psql variables: any value, never on an argument list, reset between files.

use crate::support::migrator::MigratorProject;

const KEEP: &str = "CREATE TABLE kept (v text) INHERITS (hectic.created_at);\n";

#[test]
fn a_value_may_be_anything() {
    let project = MigratorProject::new();
    project.write_up(1, KEEP);
    project.up_all();
    project.write_up(2, "DELETE FROM kept;\nINSERT INTO kept (v) VALUES (:'v');\n");
    project.write_up(3, "-- migrator: no-transaction\nUPDATE kept SET v = v || :'v';\n");
    for value in [
        "plain",
        "two words",
        "it's \"quoted\"",
        "back\\slash \\n \\! touch hacked",
        "a\nb\r\n\tc",
        ":x :'v' :\"v\"",
        "`touch hacked`",
        "; DROP TABLE kept; --",
        "$$ größe ✓ $1",
        "=a=b",
        "",
    ] {
        let define = format!("v={value}");
        for option in ["--set", "--define", "-v"] {
            project.migrator(["migrate", "up", "2", option, &define]).success();
            let expected = value.repeat(2);
            let quoted = format!("SELECT v = $it${expected}$it$ FROM kept");
            assert_eq!(
                project.ask(&quoted),
                "t",
                "{value:?}: {}",
                project.ask("SELECT v FROM kept")
            );
            project.migrator([option, &define, "migrate", "down", "2"]).success();
        }
    }
    assert!(!project.path("hacked").exists());
}

#[test]
fn each_file_begins_with_the_values_that_were_given() {
    let project = MigratorProject::new();
    project.write_up(1, &format!("{KEEP}\\set v changed\n\\unset w\n\\set u mine\n"));
    project.write_up(
        2,
        "INSERT INTO kept (v) VALUES (:'v' || :'w');\n\\if :{?u}\nSELECT 1/0;\n\\endif\n",
    );
    project.migrator(["migrate", "up", "all", "-v", "v=given", "-v", "w= too"]).success();
    assert_eq!(project.ask("SELECT v FROM kept"), "given too");
}

#[test]
fn the_configuration_gives_values_and_options_beat_them() {
    let project = MigratorProject::new();
    project.write_up(1, &format!("{KEEP}INSERT INTO kept (v) VALUES (:'a' || :'b');\n"));
    project.write("migrator.toml", "[variables]\na = 'file'\nb = ' file'\n");
    project.migrator(["apply", "--set", "a=option"]).success();
    assert_eq!(project.ask("SELECT v FROM kept"), "option file");
}

#[test]
fn what_is_no_variable_is_refused() {
    let project = MigratorProject::with_tables(1);
    for (option, code) in [
        ("novalue", 3),
        ("=x", 2),
        ("a b=c", 2),
        ("ON_ERROR_STOP=0", 2),
        ("AUTOCOMMIT=off", 2),
        ("migrator_transaction=1", 2),
    ] {
        project.migrator(["migrate", "up", "--set", option]).fails(code, ["hint:"]);
    }
    project.migrator(["migrate", "up", "--set"]).fails(3, []);
    assert_eq!(project.tables(), "");
}

#[test]
fn neither_a_value_nor_the_password_is_seen_from_outside() {
    let mut project = MigratorProject::new();
    let socket = project.path("pg").display().to_string();
    project.set("DB_URL", format!("postgresql://dev:s3cr3t-word@localhost/app?host={socket}"));
    let list = "for p in /proc/[0-9]*; do case $(cat $p/comm 2>&1) in psql) \
                tr \"\\000\\n\" \"  \" < $p/cmdline; echo;; esac; done";
    project.write_up(1, &format!("{KEEP}COPY kept (v) FROM PROGRAM $list${list}$list$ CSV QUOTE E'\\x01' DELIMITER E'\\x02';\nSELECT :'v';\n"));
    let words = ["migrate", "up", "--verbose", "--set", "v=hu5h-value"];
    let applied = project.migrator(words).success();
    assert!(!applied.stderr.contains("s3cr3t-word"), "{applied}");
    // the variables are those of the psql that runs now
    let seen = project.ask("SELECT string_agg(v, E'\n') FROM kept");
    assert!(seen.contains("psql -X"), "{seen}");
    assert!(!seen.contains("s3cr3t-word") && !seen.contains("hu5h-value"), "{seen}");
    assert!(!project.everything().contains("s3cr3t-word"));
    project.write_up(2, "SELECT nonsense;\n");
    let failed = project.migrator(["migrate", "up", "all", "--verbose"]).fails(4, ["nonsense"]);
    assert!(!failed.stderr.contains("s3cr3t-word"), "{failed}");
    project.set("DB_URL", "postgresql://dev:s3cr3t-word@localhost/app?host=/nowhere");
    let failed = project.migrator(["info", "--verbose"]).fails(1, ["/nowhere"]);
    assert!(!failed.stderr.contains("s3cr3t-word"), "{failed}");
    for log in project.entries("pg/log") {
        assert!(!project.read(&format!("pg/log/{log}")).contains("s3cr3t-word"), "{log}");
    }
}
