# rustPlatform.buildRustPackage with the machine's own cargo and crates. It builds the development
# profile, in half the time. The target directory outlives the build, because the dependencies take
# longest; of the repository's own crates nothing is kept.
{
  lib,
  host,
  pkgs,
}:
{
  # no others: a misspelt one would have no effect, and nobody would know
  pname,
  version,
  src,
  cargoLock,
  cargoBuildFlags ? [ ],
  doCheck ? true,
  nativeBuildInputs ? [ ],
  postInstall ? "",
  meta ? { },
}@args:
if doCheck then
  throw "the stub runs no tests in a package"
else
  pkgs.stdenv.mkDerivation (
    {
      buildPhase = "cargo build --offline ${toString cargoBuildFlags}";
      installPhase = ''
        mkdir -p $out/bin
        find target/debug/ -maxdepth 1 -type f -executable -exec cp -t $out/bin {} +
      '';
    }
    // removeAttrs args [
      "cargoLock"
      "cargoBuildFlags"
    ]
    // {
      configurePhase = ''
        cmp Cargo.lock ${cargoLock.lockFile}
        export CARGO_HOME=$TMPDIR/cargo CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
        mkdir $CARGO_HOME
        printf '%s\n' '[source.crates-io]' 'replace-with = "vendored"' \
          '[source.vendored]' 'directory = "${host.vendor}"' > $CARGO_HOME/config.toml
        # the next build may be another user's
        umask 0
        ln -s /nix-target target
        cargo clean --offline --package db-tool --package xtask
      '';
      nativeBuildInputs = nativeBuildInputs ++ [
        pkgs.cargo
        pkgs.rustc
      ];
    }
  )
