# pkgs.hectic.*, made of the packages of whoever applies this, with their overlays and their
# PostgreSQL. What else they keep under that name stays.
final: prev:
let
  unwrapped = final.callPackage ./package.nix { };

  # The argument is spelled out: callPackage would fill `postgresql` with pkgs.postgresql, whose
  # major version changes from one release of nixpkgs to the next.
  wrap =
    pname: programs: description:
    final.callPackage ./wrapped.nix {
      inherit
        unwrapped
        pname
        programs
        description
        ;
      postgresql = final.postgresql_17;
    };
in
{
  hectic = (prev.hectic or { }) // {
    db-tool-unwrapped = unwrapped;

    db-tool = wrap "db-tool" [
      "database"
      "postgres-init"
      "postgres-cleanup"
      "migrator"
    ] "PostgreSQL development databases: clusters, hydration, migrations, checks";

    postgres-init = wrap "postgres-init" [ "postgres-init" ]
      "Start a project's PostgreSQL cluster; source it to have its connection exported";

    postgres-cleanup = wrap "postgres-cleanup" [ "postgres-cleanup" ]
      "Stop a project's PostgreSQL cluster";

    migrator = wrap "migrator" [ "migrator" ] "Apply, revert and prove migrations of PostgreSQL";

    helpers = (prev.hectic.helpers or { }) // {
      posix-shell = (prev.hectic.helpers.posix-shell or { }) // {
        log = final.writeText "log.sh" (builtins.readFile ./log.sh);
      };
    };
  };
}
