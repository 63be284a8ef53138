# Some of the programs, with a PostgreSQL in their PATH, in front of whatever the caller has there.
#
# The caller's PATH stays behind it, for editors, and `less` behind that, for who has no pager.
# Nothing else is called: a PATH that was empty will do. PG_BINDIR still beats all of it.
{
  lib,
  runCommand,
  makeBinaryWrapper,
  dash,
  less,
  postgresql,
  unwrapped,
  pname,
  programs,
  description,
}:
let
  bin = lib.makeBinPath [ postgresql ];
  binaries = lib.remove "postgres-init" programs;
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

    for program in ${toString binaries}; do
      makeWrapper ${unwrapped}/bin/$program $out/bin/$program \
        --prefix PATH : ${bin} --suffix PATH : ${lib.makeBinPath [ less ]}
    done

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
