# The packages. A program of the machine becomes a package that links to it.
{ lib, system }:
let
  host = import ./host.nix;

  packages =
    pkgs:
    let
      linked =
        {
          name,
          version ? "0",
          from,
          programs,
          main ? lib.head programs,
          more ? "",
          passthru ? { },
        }:
        pkgs.runCommand "${name}-${version}"
          {
            inherit version passthru;
            meta.mainProgram = main;
          }
          ''
            mkdir -p $out/bin
            for program in ${toString programs}; do
              test -x ${from}/$program
              ln -s ${from}/$program $out/bin/$program
            done
            ${more}
          '';

      machine =
        name: programs:
        linked {
          inherit name programs;
          from = "/usr/bin";
        };

      # its own interpreter and libraries, so that it runs on any machine
      debian =
        name: programs:
        linked {
          inherit name programs;
          from = "${host.debian}/usr/bin";
        };

      rust =
        name: programs:
        linked {
          inherit name programs;
          from = "${host.rust}/bin";
        };

      postgresql =
        major: extensions:
        linked rec {
          name = "postgresql${lib.optionalString (extensions != [ ]) "-and-plugins"}";
          version = "${major}.0";
          main = "psql";
          from = host.postgresql.${major} or "/nowhere/postgresql-${major}";
          programs = [
            "createdb"
            "dropdb"
            "initdb"
            "pg_basebackup"
            "pg_controldata"
            "pg_ctl"
            "pg_dump"
            "pg_dumpall"
            "pg_isready"
            "pg_restore"
            "pg_verifybackup"
            "postgres"
            "psql"
          ];
          more = "ln -s ${from}/../lib $out/lib";
          passthru = {
            pkgs.pg_cron = "pg_cron";
            withPackages = choose: postgresql major (choose { pg_cron = "pg_cron"; });
            withJIT = postgresql major extensions;
          };
        };
    in
    {
      inherit lib system;
      callPackage = lib.callPackageWith pkgs;
      stdenv = rec {
        hostPlatform = {
          inherit system;
          isLinux = lib.hasSuffix "-linux" system;
        };
        buildPlatform = hostPlatform // {
          canExecute = other: other.system == system;
        };
        mkDerivation = import ./derivation.nix { inherit lib system; };
      };
      runCommand =
        name: attrs: script:
        pkgs.stdenv.mkDerivation (
          attrs
          // {
            inherit name;
            buildCommand = script;
          }
        );
      writeText =
        name: text:
        pkgs.runCommand name {
          inherit text;
          passAsFile = [ "text" ];
        } ''cp "$textPath" $out'';
      mkShell =
        {
          packages ? [ ],
          ...
        }@args:
        pkgs.stdenv.mkDerivation (
          removeAttrs args [ "packages" ]
          // {
            name = "shell";
            nativeBuildInputs = packages;
            buildCommand = "echo $nativeBuildInputs > $out";
          }
        )
        // {
          shellHook = args.shellHook or "";
        };
      makeBinaryWrapper = ./wrapper;
      rustPlatform = {
        buildRustPackage = import ./rust.nix { inherit lib host pkgs; };
        rustLibSrc = "${host.rust}/lib/rustlib/src/rust/library";
      };

      cargo = rust "cargo" [ "cargo" ];
      clippy = rust "clippy" [ "cargo-clippy" "clippy-driver" ];
      rust-analyzer = rust "rust-analyzer" [ "rust-analyzer" ];
      rustc = rust "rustc" [ "rustc" "rustdoc" ];
      rustfmt = rust "rustfmt" [ "cargo-fmt" "rustfmt" ];

      bash = machine "bash" [ "bash" ];
      dash = machine "dash" [ "dash" ];
      git = machine "git" [ "git" ];
      nodejs = machine "nodejs" [ "node" ];
      nixfmt-tree = pkgs.runCommand "nixfmt-tree-0" { meta.mainProgram = "treefmt"; } "mkdir $out";
      perl = machine "perl" [ "perl" "prove" ];
      procps = machine "procps" [ "ps" ];
      python3 = machine "python3" [ "python3" ] // {
        withPackages = _: pkgs.python3;
      };
      util-linux = machine "util-linux" [ "script" "setsid" ];

      busybox = debian "busybox" [ "busybox" ];
      direnv = debian "direnv" [ "direnv" ];
      fish = debian "fish" [ "fish" ];
      less = debian "less" [ "less" ];
      mksh = debian "mksh" [ "mksh" ];
      openssh = debian "openssh" [ "ssh" ];
      zsh = debian "zsh" [ "zsh" ];

      postgresql = throw "name a major version: nixpkgs changes what `postgresql` is";
      postgresql_15 = postgresql "15" [ ];
      postgresql_16 = postgresql "16" [ ];
      postgresql_17 = postgresql "17" [ ];
      postgresql_18 = postgresql "18" [ ];
    };

  extended =
    overlay:
    let
      base = packages pkgs;
      pkgs = base // overlay pkgs base // { extend = extended; };
    in
    pkgs;
in
extended (_: _: { })
