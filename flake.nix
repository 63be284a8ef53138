{
  description = "PostgreSQL for development: private clusters, hydration, migrations, checks";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      eachSystem =
        f:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ] (
          system: f (nixpkgs.legacyPackages.${system}.extend self.overlays.default)
        );

      programs = [
        "db-tool"
        "postgres-init"
        "postgres-cleanup"
        "migrator"
      ];
    in
    {
      lib.hectic = import ./nix/lib.nix { inherit lib; };

      overlays.default = import ./nix/overlay.nix;

      packages = eachSystem (
        pkgs: lib.getAttrs programs pkgs.hectic // { default = pkgs.hectic.db-tool; }
      );

      apps = eachSystem (
        pkgs:
        let
          app = package: {
            type = "app";
            program = lib.getExe package;
            meta = { inherit (package.meta) description; };
          };
        in
        lib.mapAttrs (_: app) (lib.getAttrs programs pkgs.hectic)
        // {
          default = app pkgs.hectic.db-tool;
        }
      );

      devShells = eachSystem (pkgs: {
        default = pkgs.callPackage ./nix/devshell.nix { };
      });

      checks = eachSystem (pkgs: import ./nix/checks.nix { inherit self pkgs lib; });

      formatter = eachSystem (pkgs: pkgs.nixfmt-tree);

      nixosModules.default = import ./nix/module.nix { inherit (self) lib; };

      templates.default = {
        path = ./nix/template;
        description = "A project with a PostgreSQL cluster of its own in its development shell";
      };
    };
}
