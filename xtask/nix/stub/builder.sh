# Runs a derivation: its buildCommand, or the phases that it has.
. "$stdenv/setup"
export HOME=/homeless-shelter

if [ -n "${buildCommandPath:-}" ]; then
  . "$buildCommandPath"
elif [ "${buildCommand+set}" ]; then
  eval "$buildCommand"
else
  cp -r --no-preserve=mode "$src" source
  cd source
  eval "$configurePhase"
  eval "$buildPhase"
  umask 022 # Nix takes nothing that everybody may write
  eval "$installPhase"
  eval "${postInstall:-}"
fi
