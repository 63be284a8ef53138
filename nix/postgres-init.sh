#!@shell@
# postgres-init: provides a project's PostgreSQL cluster.
#
# Run it, and it is the program of that name. Source it (`. postgres-init`), and the connection is
# exported into the shell that does: POSTGRESQL_HOST, _PORT, _USER and _DATABASE, PGHOST, PGPORT,
# PGUSER, PGDATABASE, PGURL, DATABASE_URL, DATABASE_TEMPLATE if there is one, what PG_URL_VAR names, and PostgreSQL's programs in PATH. The status is the program's. In fish, which
# reads no POSIX shell: eval "$(postgres-init --export fish)".
#
# What is sourced runs in somebody's shell, whichever it is and however it is set up (-e, -u, -f,
# pipefail, an IFS). So there is no exit, exec or return here and nothing depends on an option; every
# name begins with __db_tool and is gone at the end.

__db_tool_status=0

# A shell that sources has another $0 than this file. Only in zsh it has not, but that one tells.
if [ "${ZSH_VERSION+set}" ]; then
  case ${ZSH_EVAL_CONTEXT-} in *file*) __db_tool_run= ;; *) __db_tool_run=1 ;; esac
elif [ "$0" -ef '@self@' ] 2>/dev/null; then
  __db_tool_run=1
else
  __db_tool_run=
fi

if [ "$__db_tool_run" ]; then
  PATH="@postgresql@${PATH:+:$PATH}" '@program@' "$@" || __db_tool_status=$?
else
  # Not "$@": a sourced file sees its caller's arguments, which are not meant for it. Settings need
  # not be exported; those that are set are, for the program alone.
  __db_tool_exports=$(
    for __db_tool_name in LOCAL_DIR DB_URL PG_WORKING_DIR PG_DATABASE PG_PORT PG_LISTEN PG_TLS PG_URL_VAR \
      PG_LOG_PATH PG_CONF_FILE PG_SHARED_PRELOAD_LIBRARIES PG_DISABLE_LOGGING PG_REUSE PG_FRESH PG_FORCE \
      PG_CACHE PG_CACHE_DETACH PG_SPARE PG_THROWAWAY_DIR PG_TEMPLATE PG_LEASE PG_IDLE_STOP PG_BINDIR PG_OS_USER NO_TTY NO_COLOR; do
      if eval "[ \"\${$__db_tool_name+set}\" ]"; then
        eval "export $__db_tool_name"
      fi
    done
    PATH="@postgresql@${PATH:+:$PATH}"
    export PATH
    '@program@' --export sh
  ) || __db_tool_status=$?

  # First where it harms nobody: an assignment to a readonly variable ends some shells.
  if [ "$__db_tool_status" != 0 ]; then
    :
  elif (eval "$__db_tool_exports") >/dev/null 2>&1; then
    eval "$__db_tool_exports"
    case :${PATH-}: in
      *:'@postgresql@':*) ;;
      *)
        PATH="@postgresql@${PATH:+:$PATH}"
        export PATH
        ;;
    esac
  else
    printf '%s\n' 'error: the cluster runs, but this shell cannot export its connection' \
      'hint: is one of its variables readonly? Try: postgres-init --export sh' >&2
    __db_tool_status=13
  fi
  unset __db_tool_exports
fi
unset __db_tool_run

# The status of the last command is that of the whole. `&& :` keeps `set -e` from acting here rather
# than on the caller's `.`: dash forgets that in `. postgres-init || …` it has been tested.
eval "unset __db_tool_status; (exit $__db_tool_status) && :" && :
