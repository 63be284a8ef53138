# Everything to work on this repository: `cargo x test` in this shell is what CI runs.
{
  mkShell,
  cargo,
  clippy,
  rustc,
  rustfmt,
  rust-analyzer,
  rustPlatform,
  git,
  nodejs,
  openssh,
  perl,
  postgresql_17,
  python3,
}:
mkShell {
  packages = [
    cargo
    clippy
    rustc
    rustfmt
    rust-analyzer
    git
    nodejs
    openssh
    perl
    postgresql_17
    (python3.withPackages (packages: [ packages.pip ]))
  ];
  # rust-analyzer does not find the standard library's sources by itself
  RUST_SRC_PATH = "${rustPlatform.rustLibSrc}";
}
