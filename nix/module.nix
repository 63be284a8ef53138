# services.postgresql.hectic: keeps the hectic bundle in databases of a NixOS machine.
#
# Applied after every start of PostgreSQL, by its superuser, because only one may create event
# triggers; applying it again changes nothing. A database with a bundle of another version makes the
# unit fail with what to do, and is left as it is. The databases have to exist: with
# services.postgresql.ensureDatabases they do by then.
flake:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  postgresql = config.services.postgresql;
  cfg = postgresql.hectic;
  files = lib.concatMapStringsSep " " (file: "-f ${file}") flake.lib.hectic.bundleFiles;
in
{
  options.services.postgresql.hectic = {
    enable = lib.mkEnableOption "the hectic bundle in databases of this PostgreSQL";

    databases = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ "postgres" ];
      example = [ "shop" ];
      description = "Names of the databases that get the bundle.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.postgresql-hectic = {
      description = "The hectic bundle in PostgreSQL's databases";
      after = [ "postgresql.target" ];
      requires = [ "postgresql.target" ];
      wantedBy = [ "multi-user.target" ];
      path = [ postgresql.finalPackage ];
      environment.PGPORT = toString postgresql.settings.port;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        User = "postgres";
        Group = "postgres";
      };
      # One transaction for each database: all of the bundle or nothing.
      script = lib.concatMapStrings (database: ''
        psql -X -q -1 -v ON_ERROR_STOP=1 -d ${lib.escapeShellArg database} ${files}
      '') cfg.databases;
    };
  };
}
