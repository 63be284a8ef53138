# The machine; `cargo x nix` writes this file anew.
{
  # rustc's sysroot
  rust = "/nowhere/rust";
  # a directory with the crates of Cargo.lock
  vendor = "/nowhere/vendor";
  # programs from Debian's packages
  debian = "/nowhere/debian";
  # the directories of PostgreSQL's programs, by major version
  postgresql = { };
}
