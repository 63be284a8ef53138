# Some of the programs, with a PostgreSQL in their PATH, in front of whatever the caller has there.
#
# The caller's PATH stays behind it, for an editor. Behind that come the pager and the ssh of
# `database`: one's own ssh knows what one's ~/.ssh/config says (macOS adds words that others do not
# know), and one's own less is as good. Nothing else is called, so a PATH that was empty will do.
# PG_BINDIR still beats all of it.
{
  lib,
  runCommand,
  makeBinaryWrapper,
  dash,
  less,
  openssh,
  postgresql,
  unwrapped,
  pname,
  programs,
  description,
}:
let
  bin = lib.makeBinPath [ postgresql ];
  behind =
    program:
    lib.optionalString (program == "database") " --suffix PATH : ${
      lib.makeBinPath [
        less
        openssh
      ]
    }";
in
runCommand "${pname}-${unwrapped.version}"
  {
    inherit (unwrapped) version;
    nativeBuildInputs = [ makeBinaryWrapper ];
    passthru = { inherit postgresql unwrapped; };
    meta = unwrapped.meta // {
      inherit description;
      mainProgram = lib.head programs;
    };
  }
  ''
    mkdir -p $out/bin

    ${lib.concatMapStrings (program: ''
      makeWrapper ${unwrapped}/bin/${program} $out/bin/${program} \
        --prefix PATH : ${bin}${behind program}
    '') (lib.remove "postgres-init" programs)}

    # People source this one: a wrapper that ends in `exec` would replace their shell.
    ${lib.optionalString (lib.elem "postgres-init" programs) ''
      substitute ${./postgres-init.sh} $out/bin/postgres-init \
        --subst-var-by shell ${lib.getExe dash} \
        --subst-var-by self $out/bin/postgres-init \
        --subst-var-by program ${unwrapped}/bin/postgres-init \
        --subst-var-by postgresql ${bin}
      chmod +x $out/bin/postgres-init
      ${lib.getExe dash} -n $out/bin/postgres-init
    ''}

    # completions and man pages, absent where they could not be made
    for program in ${toString programs}; do
      for file in bash-completion/completions/$program.bash zsh/site-functions/_$program \
        fish/vendor_completions.d/$program.fish; do
        if [ -e ${unwrapped}/share/$file ]; then
          mkdir -p $out/share/$(dirname $file)
          ln -s ${unwrapped}/share/$file $out/share/$file
        fi
      done
      for page in ${unwrapped}/share/man/man1/$program{,-*}.1*; do
        if [ -e $page ]; then
          mkdir -p $out/share/man/man1
          ln -sf $page $out/share/man/man1/
        fi
      done
    done
  ''
