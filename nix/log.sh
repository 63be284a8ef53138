# shellcheck shell=sh
# Messages of scripts, on standard error, one line each. Source it: . "$HECTIC_LIB"
#
#   log info  "deployed in $seconds s"
#   log error "no such host"; exit 1
#
# LOG_LEVEL (debug, info, warning, error, none) says what is shown; info and above without it. The
# status is 0 for any known level, so that a message never ends a script that runs with `set -e`.

log() {
  case ${1-} in
    debug) set -- 0 "$@" ;;
    info) set -- 1 "$@" ;;
    warning) set -- 2 "$@" ;;
    error) set -- 3 "$@" ;;
    *)
      printf '%s\n' "log: the level is debug, info, warning or error, not '${1-}'" >&2
      return 2
      ;;
  esac
  case ${LOG_LEVEL:-info} in
    debug) set -- 0 "$@" ;;
    warning) set -- 2 "$@" ;;
    error) set -- 3 "$@" ;;
    none) set -- 4 "$@" ;;
    *) set -- 1 "$@" ;;
  esac
  # the level to show, that of the message, its name, its words
  if [ "$2" -ge "$1" ]; then
    printf '%s: ' "$3" >&2
    shift 3
    printf '%s\n' "$*" >&2
  fi
}
