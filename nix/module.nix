# services.postgresql.hectic: keeps the hectic bundle in databases of a NixOS machine.
#
# Applied after every start of PostgreSQL, by its superuser, because only one may create event
# triggers; applying it again changes nothing. A database with a bundle of another version makes the
# unit fail with what to do, and is left as it is. The databases have to exist: with
# services.postgresql.ensureDatabases they do by then.
#
# Secrets are sealed with a key that lies outside the data directory. Without secretKeyFile it is made
# here, once, beside that directory, where the server looks first (/var/lib/postgresql/hectic.key).
flake:
{ config, lib, ... }:
let
  postgresql = config.services.postgresql;
  cfg = postgresql.hectic;
  files = lib.concatMapStringsSep " " (file: "-f ${file}") flake.lib.hectic.bundleFiles;

  makeKey = ''
    if ! [ -e "$key" ]; then
      new=$(mktemp "$key.XXXXXX") || {
        echo "the secrets need a key: set services.postgresql.hectic.secretKeyFile" >&2
        exit 1
      }
      { od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' && echo; } > "$new"
      mv -n "$new" "$key"
    fi
  '';

  refuseKey = ''
    if [ -e "$key" ]; then
      echo "$key would be used instead of services.postgresql.hectic.secretKeyFile:" \
        "append its lines to that file, then remove it" >&2
      exit 1
    fi
  '';
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

    secretKeyFile = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "/run/secrets/hectic.key";
      description = ''
        The file with the keys of the databases' secrets, readable for PostgreSQL's user. Without it a
        key is made beside the data directory: keep a copy, without it the secrets are lost.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion =
          cfg.secretKeyFile == null
          || lib.hasPrefix "/" cfg.secretKeyFile && !lib.hasPrefix builtins.storeDir cfg.secretKeyFile;
        message =
          "services.postgresql.hectic.secretKeyFile has to be the absolute path of a file outside the "
          + "Nix store, which everybody may read.";
      }
    ];

    services.postgresql.settings = lib.mkIf (cfg.secretKeyFile != null) {
      "hectic.secret_key_file" = cfg.secretKeyFile;
    };

    systemd.services.postgresql-hectic = {
      description = "The hectic bundle in PostgreSQL's databases";
      after = [ "postgresql.target" ];
      requires = [ "postgresql.target" ];
      wantedBy = [ "multi-user.target" ];
      path = [ postgresql.finalPackage ];
      environment = {
        PGPORT = toString postgresql.settings.port;
        # not that everything is there already, at each start
        PGOPTIONS = "-c client_min_messages=warning";
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        User = "postgres";
        Group = "postgres";
      };
      # One transaction for each database: all of the bundle, with a key that will do, or nothing.
      script = ''
        key=$(dirname "$(psql -X -At -d postgres -c 'SHOW data_directory')")/hectic.key
        ${if cfg.secretKeyFile == null then makeKey else refuseKey}
      ''
      + lib.concatMapStrings (database: ''
        psql -X -q -1 -v ON_ERROR_STOP=1 -o /dev/null -d ${lib.escapeShellArg database} ${files} \
          -c 'SELECT FROM hectic.secret_keys()'
      '') cfg.databases;
    };
  };
}
