# The hectic bundle for whoever applies it without the tool: `.sql` is the text, `.path` a file for
# psql's \i. Each file makes the schema itself, may be applied any number of times and holds no
# BEGIN or COMMIT; the order is that of bundleFiles.
{ lib }:
let
  text = name: builtins.readFile (../sql/bundle + "/${name}.sql");

  file = name: sql: {
    inherit sql;
    path = builtins.toFile "hectic-${name}.sql" sql;
  };

  # The one place that says it is the program's source.
  versionString =
    let
      found = builtins.split "const VERSION: &str = \"([0-9.]+)\"" (
        builtins.readFile ../src/bundle/mod.rs
      );
    in
    lib.head (lib.elemAt found 1);
in
rec {
  inherit versionString;

  # A template, hence only text: pkgs.writeText makes a file of it.
  version.sql = builtins.replaceStrings [ "@HECTIC_VERSION@" ] [ versionString ] (text "10-version");

  # The cipher belongs to the secrets, and this file has to do alone.
  secret = file "secret" (text "15-aes-gcm" + "\n" + text "20-secret");
  migration = file "migration" (text "30-migration");
  inheritance = file "inheritance" (text "40-inheritance");

  bundleFiles = [
    (builtins.toFile "hectic-version.sql" version.sql)
    secret.path
    migration.path
    inheritance.path
  ];
}
