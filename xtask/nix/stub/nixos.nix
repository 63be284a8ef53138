# lib.nixosSystem: a module system of the smallest kind. Every option that is set has to be declared,
# what it is set to has to be of its type, and mkIf says what counts.
{ lib }:
{ modules }:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    head
    isFunction
    mapAttrs
    ;
  inherit (lib) mkOption types;

  unset = type: mkOption { inherit type; };
  anything = {
    check = _: true;
    merge = head;
  };

  # what NixOS declares, of what is used here
  nixos.options = {
    assertions = unset (types.listOf anything);
    nixpkgs.pkgs = unset anything;
    system.stateVersion = unset types.str;
    services.postgresql = {
      enable = unset types.bool;
      package = unset anything;
      finalPackage = mkOption {
        type = anything;
        default = config.services.postgresql.package;
      };
      dataDir = unset types.str;
      ensureDatabases = unset (types.listOf types.str);
      settings = unset (types.attrsOf anything);
    };
    systemd.services = unset (
      types.attrsOf (
        types.only {
          description = types.str;
          after = types.listOf types.str;
          requires = types.listOf types.str;
          wantedBy = types.listOf types.str;
          path = types.listOf anything;
          environment = types.attrsOf types.str;
          serviceConfig = types.only {
            Type = types.str;
            RemainAfterExit = types.bool;
            User = types.str;
            Group = types.str;
          };
          script = types.str;
        }
      )
    );
  };

  called = map (
    module:
    if isFunction module then
      module {
        inherit config lib;
        inherit (config.nixpkgs) pkgs;
      }
    else
      module
  ) modules;

  options = lib.foldl' lib.recursiveUpdate nixos.options (
    map (module: module.options or { }) called
  );

  isOption = set: set._type or null == "option";

  # the values below the conditions, each with whether it counts
  open =
    counts: value:
    if value._type or null == "if" then
      open (counts && value.condition) value.content
    else
      [ { inherit counts value; } ];

  evaluate =
    path: options: definitions:
    if isOption options then
      let
        values = map (definition: definition.value) (filter (definition: definition.counts) definitions);
        wrong = filter (value: !options.type.check value) values;
      in
      if values == [ ] then
        options.default or (throw "the option `${path}' is used, and not set")
      else if wrong != [ ] then
        throw "the option `${path}' is set to what is not of its type"
      else
        options.type.merge values
    else
      let
        unknown = filter (name: !options ? ${name}) (
          concatMap (definition: attrNames definition.value) definitions
        );
        below =
          name:
          concatMap (
            { counts, value }: if value ? ${name} then open counts value.${name} else [ ]
          ) definitions;
      in
      if unknown != [ ] then
        throw "the option `${path}${head unknown}' does not exist"
      else
        mapAttrs (
          name: inner: evaluate (if isOption inner then path + name else "${path}${name}.") inner (below name)
        ) options;

  config = evaluate "" options (
    concatMap (module: open true (module.config or (removeAttrs module [ "options" ]))) called
  );
in
{
  inherit config;
}
