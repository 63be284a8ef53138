# What `nix flake check` proves: each in the build sandbox, without a network, not as root.
#
# Those with a server are for Linux: the sandbox of macOS forbids the shared memory that PostgreSQL
# asks for. `postgresql-N` runs the integration tests, which are compiled once; `postgresql-N.quick`
# some of them.
{
  self,
  pkgs,
  lib,
}:
let
  inherit (pkgs) hectic runCommand;
  inherit (self.lib.hectic) secret migration inheritance;

  source = import ./source.nix { inherit lib; };

  # A cargo command on the repository, with the dependencies of the package.
  cargo =
    name: packages: command: install:
    hectic.db-tool-unwrapped.overrideAttrs (old: {
      inherit name;
      src = source.tests;
      nativeBuildInputs = old.nativeBuildInputs ++ packages;
      buildPhase = command;
      installPhase = install;
      postInstall = "";
    });

  tests =
    cargo "db-tool-tests" [ ]
      # the small ones read much of the repository, so they miss what source.nix has left out
      ''
        cargo test --offline --package db-tool --test it --no-run
        cargo test --offline --package db-tool --test tidy --test docs
      ''
      ''
        mkdir -p $out/bin
        for program in database migrator postgres-init postgres-cleanup; do
          install -t $out/bin $(find target/ -path "*/debug/$program" -type f)
        done
        install $(find target/ -path '*/debug/deps/it-*' -type f -executable) $out/bin/it
      '';

  integration =
    major:
    let
      run =
        name: filters:
        runCommand name
          {
            nativeBuildInputs = [
              pkgs.openssh
              pkgs.perl
              pkgs.procps
              pkgs.util-linux
            ];
            passthru.quick = run "${name}-quick" [
              "check::flags"
              "init::export"
              "init::sourced"
              "input::a_path"
              "verbs::init"
            ];
          }
          ''
            export CARGO_MANIFEST_DIR=${source.tests} DB_TOOL_TEST_PROGRAMS=${tests}/bin
            export DB_TOOL_TEST_PG_BINDIR=${lib.getBin pkgs."postgresql_${major}"}/bin
            export DB_TOOL_TEST_CACHE=$TMPDIR/cache DB_TOOL_TEST_PATH=$PATH
            export DB_TOOL_TEST_SSHD=${pkgs.openssh}/bin/sshd
            # the first copies an installation together with what its pg_config says; here it has none.
            # the others need libfaketime, which they look for where Debian has it, or clients from
            # the registries of other languages
            ${tests}/bin/it --test-threads=$NIX_BUILD_CORES ${lib.escapeShellArgs filters} \
              --skip init::preload::a_default_that --skip clock:: \
              --skip listen::tls::certificates_are_renewed --skip listen::clients \
              --skip clone::helpers
            touch $out
          '';
    in
    run "db-tool-postgresql-${major}" [ ];

  # A script with the programs and a directory for a cluster, which is stopped at the end.
  withServer =
    name: packages: script:
    runCommand "db-tool-${name}"
      {
        nativeBuildInputs = packages ++ [
          hectic.db-tool
          pkgs.postgresql_17
        ];
      }
      ''
        set -euo pipefail
        export HOME=$TMPDIR PG_WORKING_DIR=$TMPDIR/pg
        trap postgres-cleanup EXIT
        ${script}
        touch $out
      '';

  shells = {
    inherit (pkgs)
      bash
      busybox
      dash
      fish
      mksh
      zsh
      ;
  };

  # Stands in for the program, so that the script around it can be tried in every way.
  pretended = hectic.postgres-init.override {
    unwrapped = runCommand "pretended-postgres-init" { version = "0"; } ''
      mkdir -p $out/bin
      install -m 755 ${./test/pretended.sh} $out/bin/postgres-init
    '';
  };

  template = (import ./template/flake.nix).outputs {
    self = ./template;
    db-tool = self;
    inherit (self.inputs) nixpkgs;
  };
  inherit (pkgs.stdenv.hostPlatform) system;

  # A machine with the module; of its configuration only the unit and what belongs to it is asked for.
  machine =
    hectic:
    (lib.nixosSystem {
      modules = [
        self.nixosModules.default
        {
          nixpkgs.pkgs = pkgs;
          system.stateVersion = "26.05";
          services.postgresql = {
            enable = true;
            package = pkgs.postgresql_17;
            settings.port = 5432;
            hectic = hectic // {
              enable = true;
            };
          };
        }
      ];
    }).config;
  unit =
    hectic:
    pkgs.writeText "unit.sh" "set -e\n${(machine hectic).systemd.services.postgresql-hectic.script}";
  refused =
    hectic:
    lib.filter (
      { assertion, message }: lib.hasPrefix "services.postgresql.hectic" message && !assertion
    ) (machine hectic).assertions;
in
{
  package = hectic.db-tool;

  formatting = cargo "db-tool-formatting" [ pkgs.rustfmt ] "cargo fmt --all --check" "touch $out";

  clippy =
    cargo "db-tool-clippy" [ pkgs.clippy ]
      "cargo clippy --offline --workspace --all-targets -- -D warnings"
      "touch $out";

  unit =
    cargo "db-tool-unit" [ ]
      "cargo test --offline --workspace --lib --bins --test tidy --test docs"
      "touch $out";

  # Another PostgreSQL is another wrapper around the same programs; without flakes it is all the same.
  override =
    let
      mine = pkgs.postgresql_17.withJIT.withPackages (_: [ pkgs.postgresql_17.pkgs.pg_cron ]);
      with' = package: package.override { postgresql = mine; };
      packages = map with' [
        hectic.db-tool
        hectic.postgres-init
        hectic.postgres-cleanup
        hectic.migrator
      ];
    in
    assert lib.all (package: package.unwrapped.drvPath == hectic.db-tool-unwrapped.drvPath) packages;
    assert (import ../. { inherit pkgs; }).db-tool.drvPath == hectic.db-tool.drvPath;
    runCommand "db-tool-override" { } ''
      for package in ${toString packages}; do
        grep -qF ${lib.getBin mine}/bin $package/bin/*
        if grep -F ${lib.getBin pkgs.postgresql_17}/bin $package/bin/*; then exit 1; fi
      done
      touch $out
    '';

  log = runCommand "db-tool-log" { nativeBuildInputs = [ pkgs.dash ]; } ''
    export HECTIC_LIB=${hectic.helpers.posix-shell.log}
    said=$(dash -euc '. "$HECTIC_LIB"; log debug no; log info a b; log error "c  d"; echo e' 2>&1)
    test "$said" = "$(printf '%s\n' 'info: a b' 'error: c  d' e)"
    touch $out
  '';

  wrapper = runCommand "db-tool-wrapper" { nativeBuildInputs = lib.attrValues shells; } ''
    bash ${./test/wrapper.sh} ${pretended}/bin/postgres-init
    touch $out
  '';
}
// lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
  postgresql-15 = integration "15";
  postgresql-16 = integration "16";
  postgresql-17 = integration "17";
  postgresql-18 = integration "18";

  # Each program finds its tools by itself, and has its completions and its page.
  empty-path = runCommand "db-tool-empty-path" { } ''
    for program in ${hectic.db-tool}/bin/* ${hectic.postgres-init}/bin/postgres-init \
      ${hectic.postgres-cleanup}/bin/postgres-cleanup ${hectic.migrator}/bin/migrator; do
      env -i PATH=/nowhere $program --version
      name=$(basename $program)
      share=$(dirname $program)/../share
      ls $share/bash-completion/completions/$name.bash $share/zsh/site-functions/_$name \
        $share/fish/vendor_completions.d/$name.fish $share/man/man1/$name.1* > listed
    done
    # theirs, and not one that lies about in /usr
    alone() { env -i PATH=/nowhere HOME=$TMPDIR TMPDIR=$TMPDIR PG_WORKING_DIR=$PWD/pg "$@"; }
    same() {
      if [ "$1" != "$2" ]; then
        printf '%s\n' "$3" "  expected: $1" "  there is: $2"
        exit 1
      fi
    }
    for package in ${hectic.db-tool} ${hectic.postgres-init}; do
      alone $package/bin/postgres-init
      same 17 "$(cat pg/data/PG_VERSION)" "PostgreSQL of $package/bin/postgres-init"
    done
    alone ${hectic.postgres-cleanup}/bin/postgres-cleanup
    said=$(alone ${lib.getExe pkgs.dash} -euc '. ${hectic.postgres-init}/bin/postgres-init; command -v psql')
    same ${lib.getBin pkgs.postgresql_17}/bin/psql "$said" 'psql after postgres-init was sourced'
    same 17 "$(cat pg/data/PG_VERSION)" 'PostgreSQL of postgres-init, sourced'
    database() { alone ${hectic.db-tool}/bin/database -u "postgresql:///testdb?host=$PWD/pg/sock" "$@"; }
    same 'psql (PostgreSQL) 17' "$(database psql -- --version | cut -d. -f1)" 'psql of database'
    alone ${hectic.migrator}/bin/migrator -u "postgresql:///testdb?host=$PWD/pg/sock" init
    # what `database` starts sees its PATH: PostgreSQL's programs, the caller's, those of last resort
    echo hush | database secrets set WORD
    same "hush ${lib.makeBinPath [ pkgs.postgresql_17 ]}:/nowhere:${
      lib.makeBinPath [
        pkgs.less
        pkgs.openssh
      ]
    }" "$(database secrets run -- /bin/sh -c 'echo "$WORD $PATH"')" 'the PATH that database gives'
    database secrets run -- less -V
    database secrets run -- ssh -V
    alone ${hectic.postgres-cleanup}/bin/postgres-cleanup

    mkdir project
    cp -r ${./template}/db project/
    alone LOCAL_DIR=$PWD/project ${lib.getExe hectic.db-tool} check --no-patch
    touch $out
  '';

  # The lines of NixOS's initialScript, on an empty database.
  bundle = withServer "bundle" [ ] ''
    . postgres-init
    psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -d "$PGURL" -f ${pkgs.writeText "hectic-init.sql" ''
      \i ${secret.path}
      \i ${migration.path}
      \i ${inheritance.path}
    ''}
    # the server itself says whether a file begins or ends a transaction
    for file in ${lib.escapeShellArgs self.lib.hectic.bundleFiles}; do
      psql -X -q -1 -v ON_ERROR_STOP=1 -o /dev/null -d "$PGURL" -f $file 2>&1 | tee said
      if grep -q 'transaction in progress' said; then
        echo "$file begins or ends a transaction, which is its caller's business"
        exit 1
      fi
    done
    database --url "$PGURL" bundle status | grep -F ${self.lib.hectic.versionString}
    createdb -h "$POSTGRESQL_HOST" alone
    for file in ${secret.path} ${migration.path} ${inheritance.path}; do
      psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -d "''${PGURL/testdb/alone}" \
        -c 'DROP SCHEMA IF EXISTS hectic CASCADE' -f $file
    done
    # that of the secrets is whole: with a key they can be kept
    (umask 077 && printf '%064d\n' 1 > $PG_WORKING_DIR/hectic.key)
    psql -X -At -v ON_ERROR_STOP=1 -d "''${PGURL/testdb/alone}" -f ${secret.path} \
      -c "SELECT hectic.set_secret('WORD', 'hush')" -c "SELECT hectic.get_secret('WORD')" |
      tail -n 1 | grep -x hush
  '';

  # What the module's unit runs, twice; then with a key of the machine's own.
  module =
    assert refused { secretKeyFile = "/run/hectic.key"; } == [ ];
    assert refused { secretKeyFile = "${./module.nix}"; } != [ ];
    withServer "module" [ ] ''
      . postgres-init
      export PGHOST=$POSTGRESQL_HOST
      createdb shop
      createdb "it's"
      for time in first second; do
        bash ${
          unit {
            databases = [
              "shop"
              "it's"
            ];
          }
        }
      done
      ask() { psql -X -At -v ON_ERROR_STOP=1 -d shop "$@"; }
      ask -c 'SELECT version FROM hectic.version' | grep -x ${self.lib.hectic.versionString}
      ask -c "SELECT hectic.set_secret('WORD', 'hush')"
      test "$(ask -c "SELECT hectic.get_secret('WORD')")" = hush
      test "$(stat -c %a $PG_WORKING_DIR/hectic.key)" = 600

      own() {
        bash ${
          unit {
            databases = [ "shop" ];
            secretKeyFile = "/run/hectic.key";
          }
        }
      }
      fails() { ! own 2> said && grep "$1" said; }
      fails 'hectic.key would be used instead'
      mv $PG_WORKING_DIR/hectic.key machine.key
      fails 'there is no key for the secrets'
      echo "hectic.secret_key_file = '$PWD/machine.key'" >> $PG_WORKING_DIR/data/postgresql.conf
      own
      test "$(ask -c "SELECT hectic.get_secret('WORD')")" = hush
      test ${
        (machine { secretKeyFile = "/run/hectic.key"; }).services.postgresql.settings."hectic.secret_key_file"
      } = /run/hectic.key
    '';

  # The hook of the documentation, in the shells that may run it.
  shell-hook = withServer "shell-hook" (lib.attrValues shells ++ [ pkgs.direnv ]) ''
    bash ${./test/shell-hook.sh} ${hectic.postgres-init}/bin/postgres-init \
      ${hectic.helpers.posix-shell.log}
  '';

  # The template's own check, and its shell.
  template = template.checks.${system}.database;

  template-shell = withServer "template-shell" [ ] ''
    cp -r --no-preserve=mode ${./template} shop
    cd shop
    unset PG_WORKING_DIR
    cat > hook.sh <<'END'
    ${template.devShells.${system}.default.shellHook}
    END
    bash -euc '. ./hook.sh; database hydrate >/dev/null'
    said=$(bash -euc ". ./hook.sh; psql -At \"\$PGURL\" -c \"TABLE shop.customer LIMIT 0\"; echo end")
    test "$said" = end
    LOCAL_DIR=$PWD postgres-cleanup
  '';
}
