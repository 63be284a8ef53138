# What the builds see of the repository: as little as each needs, so that a change elsewhere (a
# README, a test, another .nix) builds nothing anew. A file that the code includes and this leaves
# out is an error of the compiler; the offline CI stage is there to see it.
{ lib }:
let
  root = ../.;
  pick = files: lib.fileset.toSource { inherit root; fileset = lib.fileset.unions files; };

  program = [
    ../Cargo.toml
    ../Cargo.lock
    ../src
    ../sql
    ./migrator
    ./new
    ./template/flake.nix
    # members of the workspace, without which cargo does not read the rest
    ../clients/rust/Cargo.toml
    ../clients/rust/src
    ../xtask/Cargo.toml
    ../xtask/src/main.rs
  ];

  tests = program ++ [
    # the documents, with the files that they link to
    ../ARCHITECTURE.md
    ../CHANGELOG.md
    ../CONTRIBUTING.md
    ../LICENSE
    ../README.md
    ../SECURITY.md
    ../docs
    ./checks.nix
    ../clients
    ../clippy.toml
    ../rustfmt.toml
    ../tests
    ../xtask
    ../.ci
    ./template
    ./postgres-init.sh
  ];
in
{
  program = pick program;
  tests = pick tests;
}
