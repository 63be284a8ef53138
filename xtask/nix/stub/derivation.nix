# stdenv.mkDerivation, as far as it is used.
{ lib, system }:
let
  make =
    attrs:
    let
      name = attrs.name or "${attrs.pname}-${attrs.version}";
      nativeBuildInputs = attrs.nativeBuildInputs or [ ];
      built = derivation (
        removeAttrs attrs [
          "meta"
          "passthru"
        ]
        // {
          inherit name system nativeBuildInputs;
          # `nix develop` wants it to be said
          outputs = [ "out" ];
          builder = "/bin/bash";
          args = [
            "-e"
            ./builder.sh
          ];
          stdenv = ./stdenv;
        }
      );
    in
    built
    // {
      inherit name nativeBuildInputs;
      meta = attrs.meta or { };
      overrideAttrs = change: make (attrs // change attrs);
    }
    // lib.optionalAttrs (attrs ? version) { inherit (attrs) version; }
    // attrs.passthru or { };
in
make
