# Without flakes: `nix-build -A db-tool`, or `import` this directory with your own packages.
{
  pkgs ? import <nixpkgs> { },
}:
(pkgs.extend (import ./nix/overlay.nix)).hectic
