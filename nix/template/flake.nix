{
  description = "The shop's database";

  inputs = {
    # where you have db-tool from: a checkout, or the URL of a repository
    db-tool.url = "git+file:///src/db-tool";
    nixpkgs.follows = "db-tool/nixpkgs";
  };

  outputs =
    {
      self,
      nixpkgs,
      db-tool,
    }:
    let
      eachSystem =
        f:
        nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ] (
          system: f (nixpkgs.legacyPackages.${system}.extend db-tool.overlays.default)
        );
    in
    {
      devShells = eachSystem (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.hectic.db-tool
            pkgs.hectic.postgres-init
            pkgs.hectic.postgres-cleanup
          ];

          shellHook = ''
            export LOCAL_DIR="$PWD"
            export PG_WORKING_DIR="$LOCAL_DIR/focus/postgresql"
            export DB_URL="postgresql://shop@localhost/shop?host=$PG_WORKING_DIR"

            # for scripts: . "$HECTIC_LIB"
            export HECTIC_LIB="${pkgs.hectic.helpers.posix-shell.log}"

            # the server stops with the last shell; its data stays
            [ "''${PG_LEASE-}" = off ] || export PG_LEASE=$$
            . ${pkgs.hectic.postgres-init}/bin/postgres-init
          '';
        };
      });

      # `nix flake check`, also in CI: the project deploys from nothing
      checks = eachSystem (pkgs: {
        database = pkgs.runCommand "shop-database" { nativeBuildInputs = [ pkgs.hectic.db-tool ]; } ''
          export HOME=$TMPDIR LOCAL_DIR=${self} DB_URL=postgresql://shop@localhost/shop
          database check --mock
          touch $out
        '';
      });
    };
}
