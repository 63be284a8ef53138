#!/bin/sh
# What nix/test/wrapper.sh puts into the place of the program: as fast as nothing, and hard to quote.
case $* in
  *--help*)
    echo 'usage'
    exit 0
    ;;
  *'--export sh'*) ;;
  *) echo "arguments: $*" ;;
esac
if [ "${PRETENDED_STATUS:-0}" != 0 ]; then
  echo 'cannot' >&2
  exit "$PRETENDED_STATUS"
fi
case $* in
  *'--export sh'*)
    printf '%s ' "export POSTGRESQL_PORT='${PG_PORT:-5432}'" \
      "PGURL='\$(touch pwned) \`touch pwned\` it'\\''s; a\\b \"c\" *' ${PG_URL_VAR:-OTHER}='x y'"
    ;;
esac
