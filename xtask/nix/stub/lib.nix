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
    isAttrs
    isBool
    isFunction
    isList
    isString
    listToAttrs
    pathExists
    readFile
    replaceStrings
    stringLength
    substring
    tail
    ;
in
rec {
  inherit
    attrValues
    concatLists
    elem
    elemAt
    filter
    foldl'
    head
    ;
  inherit (builtins) all concatStringsSep mapAttrs;

  recursiveUpdate =
    a: b:
    a
    // mapAttrs (
      name: value:
      if isAttrs value && isAttrs (a.${name} or null) then recursiveUpdate a.${name} value else value
    ) b;

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

  types =
    let
      one = check: {
        inherit check;
        merge = values: if tail values == [ ] then head values else throw "an option is set twice";
      };
      setOf = check: {
        inherit check;
        merge = foldl' (a: b: a // b) { };
      };
    in
    {
      bool = one isBool;
      str = one isString;
      nullOr = of: one (value: value == null || of.check value);
      listOf = of: {
        check = value: isList value && all of.check value;
        merge = concatLists;
      };
      attrsOf = of: setOf (value: isAttrs value && all of.check (attrValues value));
      # of the stub alone: a set with these attributes
      only =
        known:
        setOf (
          value:
          all (
            name:
            if known ? ${name} then known.${name}.check value.${name} else throw "there is no `${name}' here"
          ) (attrNames value)
        );
    };
  mkOption = option: option // { _type = "option"; };
  mkEnableOption =
    _:
    mkOption {
      type = types.bool;
      default = false;
    };
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  nixosSystem = import ./nixos.nix { lib = import ./lib.nix; };

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
