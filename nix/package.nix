# The Rust programs, which know no PostgreSQL: nix/wrapped.nix gives them one. So another PostgreSQL
# is another wrapper, and compiles nothing.
{
  lib,
  stdenv,
  rustPlatform,
}:
rustPlatform.buildRustPackage {
  pname = "db-tool-unwrapped";
  inherit ((lib.importTOML ../Cargo.toml).package) version;

  src = (import ./source.nix { inherit lib; }).program;
  cargoLock.lockFile = ../Cargo.lock;

  cargoBuildFlags = [
    "--package"
    "db-tool"
  ];
  # the tests need PostgreSQL: they are checks of the flake
  doCheck = false;

  # made by the program itself, hence not where it is built for another platform
  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    $out/bin/database share $out/share
  '';

  meta = {
    description = "PostgreSQL development databases (programs without a PostgreSQL)";
    license = lib.licenses.mit;
    platforms = lib.platforms.unix;
    mainProgram = "database";
  };
}
