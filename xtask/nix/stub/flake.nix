# Stands in for nixpkgs where that cannot be had. `cargo x nix` puts this directory into the place of
# the flake's input, so that the flake's own code is evaluated and built. What a package of nixpkgs is
# made of, and that it is there at all, only the real one can tell.
#
# It knows what this repository uses and throws on anything else.
{
  outputs =
    { self }:
    let
      lib = import ./lib.nix;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ] (
        system: import ./packages.nix { inherit lib system; }
      );
    };
}
