# shellcheck shell=bash
# The shellHook of the documentation, with a server, in several shells: shell-hook.sh POSTGRES_INIT LOG
#
# Runs where the build has put PG_WORKING_DIR; each shell gets its own. `| cat` is what direnv does:
# it waits until nobody holds the pipe any more, so a server that held it would hang the check.
set -euo pipefail

hook='
export LOCAL_DIR="$PWD"
export DATABASE_DIR="$LOCAL_DIR/db"
export MIGRATION_DIR="$DATABASE_DIR/migration"
export DATABASE_SOURCE="$DATABASE_DIR/src"
export PG_WORKING_DIR="$LOCAL_DIR/focus/postgresql"
export DB_URL="postgresql://user@localhost/dbname?host=$PG_WORKING_DIR&port=5432"
export HECTIC_LIB="'$2'"
. '$1'
'
ask='psql -At -d "$DB_URL" -c "SELECT current_user, current_database()"; . "$HECTIC_LIB"; log info end 2>&1'

for shell in 'dash -eu' 'bash -eu' 'bash -euo pipefail' 'zsh -f' 'mksh' 'busybox ash'; do
  mkdir "project $shell"
  said=$(cd "project $shell" && $shell -c "$hook$ask" | cat)
  echo "$shell: $said"
  test "$said" = $'user|dbname\ninfo: end'
  LOCAL_DIR="$PWD/project $shell" PG_WORKING_DIR='' postgres-cleanup
done

# a path that no socket fits into: DB_URL is corrected
long=$(printf 'a%.0s' {1..120})
mkdir "$long"
test "$(cd "$long" && bash -eu -c "$hook$ask" | head -n 1)" = 'user|dbname'
LOCAL_DIR="$PWD/$long" PG_WORKING_DIR='' postgres-cleanup

# two shells at once
mkdir twice
cd twice
for one in 1 2; do
  bash -eu -c "PG_REUSE=1; $hook$ask" > said.$one &
done
wait
cmp said.1 said.2
grep -x 'user|dbname' said.1
LOCAL_DIR=$PWD PG_WORKING_DIR='' postgres-cleanup
cd ..

# direnv evaluates the hook, as `use flake` does, in a shell of its own, and takes what is exported
mkdir direnv
echo 'eval "$(cat hook.sh)"' > direnv/.envrc
printf %s "$hook" > direnv/hook.sh
said=$(cd direnv && direnv allow . && direnv exec . bash -c "$ask" | cat)
echo "direnv: $said"
test "$said" = $'user|dbname\ninfo: end'
LOCAL_DIR=$PWD/direnv PG_WORKING_DIR='' postgres-cleanup

# fish reads no POSIX shell
mkdir fish
said=$(cd fish && LOCAL_DIR=$PWD PG_WORKING_DIR='' fish --no-config -c "
  eval \"\$($1 --export fish)\"
  psql -At -d \$PGURL -c 'SELECT 40 + 2'" | cat)
test "$said" = 42
LOCAL_DIR=$PWD/fish PG_WORKING_DIR='' postgres-cleanup
