//! `cargo x nix`: evaluates and builds the flake on a machine without Nix and nixpkgs.
//!
//! Nix comes from Debian's packages (`debian.rs`), in a directory of its own with a store of its own.
//! The flake's input is replaced by a stand-in (`xtask/nix/stub`) that knows just what is used of
//! nixpkgs, throws on anything else, and makes packages of the machine's programs. With it
//!
//! - the lock file has to agree with the flake,
//! - every output has to evaluate, for all systems,
//! - the checks are built: in the real sandbox, without a network, as an ordinary user.
//!
//! Only a machine with nixpkgs can tell whether nixpkgs itself builds the packages.

mod debian;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, On, Result};
use crate::{documents, place, postgres, program};

/// The checks that are evaluated but not built: `cargo x test` does the same outside, and in less
/// time.
const EVALUATED_ONLY: [&str; 2] = ["clippy", "unit"];
/// Prefix of the checks that run the integration tests.
const INTEGRATION: &str = "postgresql-";
/// The number of users that Nix may take, at 65536 a build.
const IDS: u32 = 8 << 16;
/// The system that is built.
const SYSTEM: &str = "x86_64-linux";

/// This stage as a part of all tests. A machine that cannot run it leaves it out and says so. CI
/// can run it.
pub(crate) fn run_if_possible() -> Result<()> {
    match debian::obstacle() {
        None => run(),
        Some(obstacle) if std::env::var_os("CI").is_some() => Err(Failure::new(obstacle)),
        Some(obstacle) => {
            eprintln!("The flake is not tried here: {obstacle}.");
            Ok(())
        }
    }
}

/// Runs the whole stage.
pub(crate) fn run() -> Result<()> {
    if let Some(obstacle) = debian::obstacle() {
        return Err(Failure::new(format!("the flake cannot be tried here: {obstacle}")));
    }
    let workshop = Workshop::open()?;
    let majors = workshop.equip()?;
    eprintln!("Evaluating the flake for all systems, with a stand-in for nixpkgs.");
    workshop.compare_lock()?;
    program::run_quietly(&mut workshop.on_stub(EVALUATE))?;
    workshop.evaluate_consumers()?;
    workshop.parse_examples()?;
    let names = ["eval", "--raw", "--apply", NAMES];
    let names = program::output(workshop.on_stub(names).arg(checks("")))?;
    let mut build = workshop.on_stub(["build", "--keep-going", "--print-build-logs"]);
    build.arg("--out-link").arg(workshop.home.join("result"));
    program::run_aside(build.args(to_build(names.split_whitespace(), &majors)))?;
    // removes the results of earlier runs; the links keep the result of this one
    program::run_quietly(&mut workshop.nix(["store", "gc"]))
}

/// Evaluates every output of a flake.
const EVALUATE: [&str; 4] = ["flake", "check", "--no-build", "--all-systems"];
/// The names of a set's attributes, a line each.
const NAMES: &str = "checks: builtins.concatStringsSep \"\\n\" (builtins.attrNames checks)";

/// A check as an argument of nix.
fn checks(name: &str) -> String {
    format!(".#checks.{SYSTEM}{name}")
}

/// The checks to build: the integration tests in their short form, on the installed majors.
fn to_build<'a>(names: impl Iterator<Item = &'a str>, majors: &[u32]) -> Vec<String> {
    let wanted = names.filter(|name| !EVALUATED_ONLY.contains(name)).filter_map(|name| {
        let Some(major) = name.strip_prefix(INTEGRATION) else { return Some(format!(".{name}")) };
        let here = majors.iter().any(|have| have.to_string() == major);
        here.then(|| format!(".{name}.quick"))
    });
    wanted.map(|name| checks(&name)).collect()
}

/// A directory that is kept, with Nix in it and everything that its builds need.
struct Workshop {
    home: PathBuf,
    debian: PathBuf,
}

impl Workshop {
    fn open() -> Result<Self> {
        let home = place::kept("nix")?;
        let debian = debian::provide(&home)?;
        Ok(Self { home, debian })
    }

    /// Renews everything except the flake. Returns the available majors of PostgreSQL.
    fn equip(&self) -> Result<Vec<u32>> {
        self.vendor()?;
        let (major, bindir) = postgres::installed()?;
        let mut majors = vec![(debian::MAJOR, self.debian.join(debian::BINDIR))];
        if major != debian::MAJOR {
            majors.push((major, bindir));
        }
        let sysroot = program::output(program::new("rustc").args(["--print", "sysroot"]))?;
        let sysroot = Path::new(sysroot.trim_end());
        self.write_stub(sysroot, &majors)?;
        self.write_configuration(sysroot, &majors)?;
        Ok(majors.into_iter().map(|(major, _)| major).collect())
    }

    /// The crates of Cargo.lock, for builds without a network.
    fn vendor(&self) -> Result<()> {
        let (lock, stamp) = (place::root().join("Cargo.lock"), self.home.join("vendored.lock"));
        let wanted = fs::read(&lock).on("read", &lock)?;
        if fs::read(&stamp).is_ok_and(|have| have == wanted) {
            return Ok(());
        }
        program::run_quietly(
            program::cargo()
                .args(["vendor", "--quiet", "--locked", "--versioned-dirs"])
                .arg(self.vendored()),
        )?;
        fs::write(&stamp, wanted).on("write", &stamp)
    }

    fn vendored(&self) -> PathBuf {
        self.home.join("vendor")
    }

    /// Writes a copy of the stand-in with the paths of this machine.
    fn write_stub(&self, sysroot: &Path, majors: &[(u32, PathBuf)]) -> Result<()> {
        let stub = self.stub();
        if stub.exists() {
            fs::remove_dir_all(&stub).on("remove", &stub)?;
        }
        let ours = place::root().join("xtask/nix/stub");
        program::run_quietly(program::new("cp").arg("-r").arg(ours).arg(&stub))?;
        let postgresql = majors.iter().map(|(n, dir)| format!(" \"{n}\" = {};", string(dir)));
        let host = format!(
            "{{ rust = {}; vendor = {}; debian = {}; postgresql = {{{} }}; }}\n",
            string(sysroot),
            string(&self.vendored()),
            string(&self.debian),
            postgresql.collect::<String>()
        );
        let file = stub.join("host.nix");
        fs::write(&file, host).on("write", &file)
    }

    fn stub(&self) -> PathBuf {
        self.home.join("stub")
    }

    /// Nix's configuration: no downloads, and in the sandbox only the files that the stand-in's
    /// packages contain.
    fn write_configuration(&self, sysroot: &Path, majors: &[(u32, PathBuf)]) -> Result<()> {
        let target = self.home.join("target");
        fs::create_dir_all(&target).on("create", &target)?;
        // the sandbox's user writes to this directory
        program::run_quietly(program::new("chmod").arg("a+rwx").arg(&target))?;
        let machine = ["/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"];
        let mut seen: Vec<PathBuf> = machine.map(PathBuf::from).into();
        seen.extend([self.debian.clone(), self.vendored(), sysroot.to_owned()]);
        seen.extend(majors.iter().filter_map(|(_, dir)| dir.parent().map(Path::to_owned)));
        let seen: Vec<String> = seen.iter().map(|path| path.display().to_string()).collect();
        let text = format!(
            "experimental-features = nix-command flakes auto-allocate-uids\n\
             build-users-group =\nauto-allocate-uids = true\n\
             sandbox = true\nsandbox-paths = {} /nix-target={}\n\
             start-id = {}\nid-count = {IDS}\n\
             substituters =\nflake-registry =\nwarn-dirty = false\n\
             max-jobs = 1\ncores = 2\n",
            seen.join(" "),
            target.display(),
            first_id(std::process::id())
        );
        let file = self.home.join("nix.conf");
        fs::write(&file, text).on("write", &file)
    }

    /// The lock file has to hold exactly the inputs of the flake.
    fn compare_lock(&self) -> Result<()> {
        let mut lock = self.nix(["flake", "lock", "--offline", "--no-update-lock-file"]);
        let said = program::remarks(&mut lock).map_err(|failure| {
            failure.hint(
                "flake.lock does not hold what flake.nix asks for. Where there is a network, \
                 `nix flake lock` brings it up to date.",
            )
        })?;
        follows_what_there_is(&said)
    }

    /// Evaluates flakes that use this one as their input: that of the sample project and that of
    /// the documents.
    fn evaluate_consumers(&self) -> Result<()> {
        let documents = documents::all()?;
        let mut examples = documents.iter().flat_map(|text| examples(text));
        let flake = examples.find(|example| example.contains("inputs = {"));
        let flake = flake.ok_or_else(|| Failure::new("the documents show no flake"))?;
        let directory = self.home.join("consumer");
        fs::create_dir_all(&directory).on("create", &directory)?;
        let file = directory.join("flake.nix");
        fs::write(&file, flake).on("write", &file)?;
        self.evaluate_consumer(&directory, "nixpkgs")?;
        self.evaluate_consumer(&place::root().join("nix/template"), "db-tool/nixpkgs")
    }

    /// Evaluates the flake in `directory`, with the stand-in in the place of its input `nixpkgs`.
    fn evaluate_consumer(&self, directory: &Path, nixpkgs: &str) -> Result<()> {
        let mut evaluate = self.nix(EVALUATE);
        evaluate.arg(format!("path:{}", directory.display())).args(["--offline"]);
        let ours = format!("git+file://{}", place::root().display());
        evaluate.args(["--no-write-lock-file", "--override-input", "db-tool", &ours]);
        let stub = self.stub_input();
        let said = program::remarks(evaluate.args(["--override-input", nixpkgs, &stub]))?;
        follows_what_there_is(&said)
    }

    /// Every example of the Nix language in the documents has to be an expression.
    fn parse_examples(&self) -> Result<()> {
        let documents = documents::all()?;
        let file = self.home.join("example.nix");
        for example in documents.iter().flat_map(|text| examples(text)) {
            fs::write(&file, example).on("write", &file)?;
            let mut parse = self.nix(["--parse"]);
            // one program is all of Nix's commands; its name decides
            parse.arg0("nix-instantiate").arg(&file);
            program::run_quietly(&mut parse).map_err(|failure| failure.hint(example))?;
        }
        Ok(())
    }

    /// Runs `nix` on the repository.
    fn nix<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut nix = program::new(self.debian.join("usr/bin/nix"));
        nix.args(arguments)
            .env("NIX_CONF_DIR", &self.home)
            .env("NIX_STORE_DIR", self.home.join("store"))
            .env("NIX_STATE_DIR", self.home.join("state"))
            .env("NIX_LOG_DIR", self.home.join("log"));
        nix
    }

    /// The same, with the stand-in instead of nixpkgs.
    fn on_stub<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut nix = self.nix(arguments);
        let stub = self.stub_input();
        nix.args(["--offline", "--override-input", "nixpkgs", &stub, "--no-write-lock-file"]);
        nix
    }

    /// The stand-in as an input of a flake.
    fn stub_input(&self) -> String {
        format!("path:{}", self.stub().display())
    }
}

/// Fails if a flake redirects an input that its input does not have. Nix only warns.
fn follows_what_there_is(said: &str) -> Result<()> {
    match said.lines().find(|line| line.contains("non-existent input")) {
        None => Ok(()),
        Some(warning) => Err(Failure::new(format!("a misspelt input: {warning}"))),
    }
}

/// The first of the users that builds run as. When a build of a user begins, Nix ends all other
/// processes of that user. Two Nixes with a store of their own do not know of each other, so each
/// run has its own users.
fn first_id(run: u32) -> u32 {
    0x3400_0000 + run % 1000 * IDS
}

/// The `nix` blocks of a Markdown text.
fn examples(markdown: &str) -> impl Iterator<Item = &str> {
    let blocks = markdown.split("\n```nix\n").skip(1);
    blocks.map(|rest| rest.split_once("\n```").map_or(rest, |(block, _)| block))
}

/// A string of the Nix language. Our paths need no more quoting than this.
fn string(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_have_examples() {
        let documents = documents::all().unwrap();
        assert!(documents.iter().flat_map(|text| examples(text)).count() > 3);
        let text = "a\n```nix\n{ }\n```\n```sh\nx\n```\n";
        assert_eq!(examples(text).collect::<Vec<_>>(), ["{ }"]);
    }

    #[test]
    fn two_runs_at_once_share_no_user() {
        assert_eq!(first_id(4711) + IDS, first_id(4712));
        assert!(first_id(999) + IDS <= i32::MAX as u32, "a user that every tool can name");
    }

    #[test]
    fn what_is_built_is_said_by_exception() {
        let names = ["bundle", "clippy", "postgresql-15", "postgresql-17", "unit"];
        let built = to_build(names.into_iter(), &[17]);
        assert_eq!(
            built,
            [".#checks.x86_64-linux.bundle", ".#checks.x86_64-linux.postgresql-17.quick"]
        );
    }
}
