# The functions of nixpkgs' lib that are used here, as it has them.
let
  inherit (builtins)
    attrNames
    attrValues
    concatLists
    elem
    elemAt
    filter
    foldl'
    functionArgs
    head
    isFunction
    isString
    listToAttrs
    pathExists
    readFile
    replaceStrings
    stringLength
    substring
    ;
in
rec {
  inherit
    attrValues
    concatLists
    elem
    elemAt
    head
    ;
  inherit (builtins) all concatStringsSep mapAttrs;

  genAttrs =
    names: f:
    listToAttrs (
      map (name: {
        inherit name;
        value = f name;
      }) names
    );
  getAttrs = names: set: genAttrs names (name: set.${name});
  optionalAttrs = condition: set: if condition then set else { };
  optionalString = condition: text: if condition then text else "";
  remove = unwanted: filter (x: x != unwanted);
  concatMapStrings = f: list: concatStringsSep "" (map f list);
  concatMapStringsSep =
    separator: f: list:
    concatStringsSep separator (map f list);
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      at = stringLength text - stringLength suffix;
    in
    at >= 0 && substring at (-1) text == suffix;
  escapeShellArg = word: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString word)}'";
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  importTOML = file: fromTOML (readFile file);
  getBin = package: package;
  getExe =
    package: "${package}/bin/${package.meta.mainProgram or (throw "${package.name} has no mainProgram")}";
  makeBinPath = concatMapStringsSep ":" (package: "${package}/bin");

  licenses.mit = "MIT";
  platforms.unix = [ ];

  # modules, without a system of them
  types = {
    listOf = of: of;
    str = isString;
  };
  mkEnableOption = _: { };
  mkOption = option: option;
  mkIf = condition: content: { inherit condition content; };

  callPackageWith =
    packages: file: extra:
    let
      f = import file;
      wanted = functionArgs f;
      given = builtins.intersectAttrs wanted packages // extra;
      unknown = filter (name: !(wanted ? ${name})) (attrNames extra);
      missing = filter (name: !(given ? ${name} || wanted.${name})) (attrNames wanted);
      overridable =
        given:
        f given
        // {
          override =
            change:
            let
              new = if isFunction change then change given else change;
              strange = filter (name: !(wanted ? ${name})) (attrNames new);
            in
            if strange != [ ] then
              throw "${toString file} takes no ${toString strange}"
            else
              overridable (given // new);
        };
    in
    if unknown != [ ] then
      throw "${toString file} takes no ${toString unknown}"
    else if missing != [ ] then
      throw "${toString file}: there is no package ${toString missing}"
    else
      overridable given;

  fileset = {
    unions = files: files;
    toSource =
      { root, fileset }:
      let
        wanted = map toString fileset;
        absent = filter (file: !pathExists file) fileset;
        keep = path: builtins.any (file: path == file || hasPrefix "${file}/" path || hasPrefix "${path}/" file) wanted;
      in
      if absent != [ ] then
        throw "lib.fileset: ${toString absent} does not exist"
      else
        "${builtins.path {
          path = root;
          name = "source";
          filter = path: _: keep path;
        }}";
  };
}
