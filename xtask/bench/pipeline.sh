#!/bin/sh
# What `cargo x bench` compares db-tool with: the pipeline of PostgreSQL's own programs that
# projects write down when they have nothing better. PostgreSQL's programs are found through PATH.
#
#   pipeline.sh init  DIR                  a running cluster with an empty database
#   pipeline.sh check DIR BUNDLE PROJECT   the same, the bundle, the sources and the patch; all removed
#   pipeline.sh stop  DIR                  end what `init` or a failed `check` left running
set -eu

verb=$1
dir=$2

init() {
    initdb -D "$dir/data" -E UTF8 --locale=C -A trust
    pg_ctl -D "$dir/data" -l "$dir/server.log" -o "-c listen_addresses='' -k $dir" -w start
    createdb -h "$dir" shop
}

run_sql() {
    psql -X -q -v ON_ERROR_STOP=1 -h "$dir" -d shop "$@"
}

check() {
    bundle=$1
    project=$2
    init
    cd "$project"
    set -- -1
    for file in "$bundle"/*.sql; do
        set -- "$@" -f "$file"
    done
    run_sql "$@"
    run_sql -f "$project/db/src/entrypoint.sql"
    run_sql -f "$project/test-data.sql"
    pg_ctl -D "$dir/data" -w stop
    rm -rf "$dir/data"
}

stop() {
    if [ -s "$dir/data/postmaster.pid" ]; then
        pg_ctl -D "$dir/data" -m immediate -w stop
    fi
}

case $verb in
init) init ;;
check) check "$3" "$4" ;;
stop) stop ;;
*) echo "pipeline.sh: unknown verb $verb" >&2; exit 2 ;;
esac
