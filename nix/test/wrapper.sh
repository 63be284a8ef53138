# shellcheck shell=bash
# Tries the script that is sourced, in every shell that is here: wrapper.sh POSTGRES_INIT
#
# What a snippet prints is compared as a whole and ends in a word of its own: a shell that the
# sourced file has ended would print nothing more, and its status may well be 0.
set -u

script=$1
work=$(mktemp -d)
cd "$work" || exit 1
failures=0
nasty='$(touch pwned) `touch pwned` it'\''s; a\b "c" *'

# try SHELL WHAT EXPECTED SNIPPET
try() {
  local said
  # words on purpose: "bash --posix"
  said=$($1 "$4" 2>errors)
  if [ "$said" != "$3" ]; then
    printf '%s\n' "$1: $2" "  expected: ${3@Q}" "  said:     ${said@Q}"
    sed 's/^/  /' errors
    failures=$((failures + 1))
  fi
}

cases() {
  local s=". $script"
  try "$1" 'exports, also to children' "$nasty|$nasty|end" \
    "$s; printf '%s|' \"\$PGURL\"; printenv PGURL | tr '\n' '|'; echo end"
  try "$1" 'a run exports nothing and gets the arguments' $'arguments: a b\n0 none end' \
    "$script a b; echo \$? \${PGURL-none} end"
  try "$1" 'the status of a run' '3 end' "PRETENDED_STATUS=3 $script --export sh; echo \$? end"
  try "$1" 'a failure leaves the shell alive' '7 none end' \
    "export PRETENDED_STATUS=7; $s; echo \$? \${PGURL-none} end"
  try "$1" 'set -eu' '5432 end' "set -eu; $s; echo \$POSTGRESQL_PORT end"
  try "$1" 'a failure that is handled' 'handled 4 end' \
    "set -eu; export PRETENDED_STATUS=4; $s || echo handled \$? end"
  try "$1" 'a failure that is not' 'before' \
    "set -e; export PRETENDED_STATUS=4; echo before; $s; echo after"
  try "$1" 'arguments are the caller'\''s' '--help x 5432 end' \
    "set -- --help x; $s; echo \"\$@\" \$POSTGRESQL_PORT end"
  try "$1" 'settings need no export, and get none' '6543 x y no end' \
    "PG_PORT=6543 PG_URL_VAR=MINE; $s
     echo \$POSTGRESQL_PORT \"\$MINE\" \$(printenv PG_PORT || echo no) end"
  try "$1" 'a readonly variable' '13 mine end' \
    "readonly PGURL=mine; $s; echo \$? \$PGURL end"
  try "$1" 'options, IFS and names stay' 'same 0 end' \
    "set -fu; IFS=:/; before=\$-; $s; unset IFS
     if [ \"\$before\" = \"\$-\" ]; then echo same \$(set | grep -c ^__db_tool) end; fi"
  try "$1" 'PATH has the programs, once' '1 end' \
    "$s; $s; echo \$(printenv PATH | tr : '\n' | grep -c postgresql) end"
  try "$1" 'an empty PATH' 'yes end' \
    "PATH=; $s; case \$PATH in */bin) echo yes end ;; *) echo \"\$PATH\" ;; esac"
  try "$1" 'no PATH' 'yes end' \
    "set -u; unset PATH; $s; case \$PATH in */bin) echo yes end ;; *) echo \"\$PATH\" ;; esac"
  try "$1" 'nothing is said' 'end' "$s 2>&1; echo end"
  try "$1" 'from a function and from another file' '5432 5432 end' \
    "f() { $s; }; f; a=\$POSTGRESQL_PORT; unset POSTGRESQL_PORT; echo '$s' > other.sh; . ./other.sh
     echo \$a \$POSTGRESQL_PORT end"
}

for shell in 'dash -c' 'bash -c' 'bash --posix -c' 'zsh -f -c' 'mksh -c' 'busybox ash -c'; do
  cases "$shell"
done
for shell in 'bash -c' 'zsh -f -c' 'mksh -c'; do
  try "$shell" 'pipefail' '5432 end' "set -euo pipefail; . $script; echo \$POSTGRESQL_PORT end"
done
try 'bash -c' 'an ERR trap' '5432 end' "trap 'echo trapped' ERR; set -E; . $script; echo \$POSTGRESQL_PORT end"

# a caller of the same name, in a shell whose $0 is all there is
mkdir caller
printf '#!%s\n. %s\necho "$POSTGRESQL_PORT" end\n' "$(command -v dash)" "$script" > caller/postgres-init
chmod +x caller/postgres-init
try 'dash -c' 'a caller of the same name' '5432 end' ./caller/postgres-init
ln -s "$script" link
try 'dash -c' 'a run through a link' 'arguments: a' './link a'

if [ -e pwned ]; then
  echo 'a value was executed'
  failures=$((failures + 1))
fi
cd / && rm -r "$work"
echo "$failures failures"
[ "$failures" = 0 ]
