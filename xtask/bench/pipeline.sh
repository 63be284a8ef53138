#!/bin/sh
# What `cargo x bench` compares db-tool with: the pipeline of PostgreSQL's own programs that
# projects write down when they have nothing better. PostgreSQL's programs are found through PATH.
#
#   pipeline.sh init     DIR                  a running cluster with an empty database
#   pipeline.sh check    DIR BUNDLE PROJECT   the same, the bundle, the sources and the patch; all removed
#   pipeline.sh database DIR BUNDLE FILE      the same as init, the bundle and a file of SQL
#   pipeline.sh sql      DIR FILE             a file of SQL
#   pipeline.sh each     DIR MIGRATIONS       every migration in a psql of its own, with a row of history
#   pipeline.sh connect  DIR                  nothing but a connection
#   pipeline.sh second   DIR BUNDLE FILE      another database, the bundle and a file of SQL
#   pipeline.sh rows     DIR OUT              every table of both databases dumped, and the dumps compared
#   pipeline.sh schema   DIR                  a dump of the schema
#   pipeline.sh diff     DIR BUNDLE PROJECT MIGRATION
#                                             the sources, then the migration, each in a cluster: the dumps compared
#   pipeline.sh backup   DIR OUT              a backup
#   pipeline.sh stop     DIR                  end what was left running
set -eu

verb=$1
dir=$2
export PGUSER=dev PGHOST="$dir" PGDATABASE=shop

init() {
    initdb -D "$dir/data" -U "$PGUSER" -E UTF8 --locale=C -A trust
    pg_ctl -D "$dir/data" -l "$dir/server.log" -o "-c listen_addresses='' -k $dir" -w start
    createdb "$PGDATABASE"
}

run_sql() {
    psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# All of the bundle in one transaction.
bundle() {
    bundle=$1
    set -- -1
    for file in "$bundle"/*.sql; do
        set -- "$@" -f "$file"
    done
    run_sql "$@"
}

check() {
    init
    cd "$2"
    bundle "$1"
    run_sql -f "$2/db/src/entrypoint.sql"
    run_sql -f "$2/test-data.sql"
    pg_ctl -D "$dir/data" -w stop
    rm -rf "$dir/data"
}

database() {
    init
    bundle "$1"
    run_sql -f "$2"
}

each() {
    for migration in "$1"/*; do
        name=${migration##*/}
        run_sql -1 -f "$migration/up.sql" \
            -c "INSERT INTO public.history (version, name) VALUES (${name%%-*}, '$name')"
    done
}

second() {
    createdb second
    PGDATABASE=second
    bundle "$1"
    run_sql -f "$2"
}

rows() {
    run_sql -At -c "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'hectic.immutable'::regclass" |
        while read -r table; do
            pg_dump --data-only -t "$table" shop >"$1/shop"
            pg_dump --data-only -t "$table" second >"$1/second"
            cmp -s "$1/shop" "$1/second" || echo "$table differs"
        done
}

# A cluster with the bundle and what psql is told to run; its dump remains.
dumped() {
    init
    bundle "$1"
    dump=$dir/$2
    shift 2
    run_sql "$@"
    pg_dump -f "$dump"
    pg_ctl -D "$dir/data" -w stop
    rm -rf "$dir/data"
}

# Times of creation differ always, so the dumps do.
compare() {
    cd "$2"
    dumped "$1" sources -f "$2/db/src/entrypoint.sql"
    dumped "$1" migrations -1 -f "$3"
    diff -u "$dir/migrations" "$dir/sources" >"$dir/differences" || test $? -eq 1
}

stop() {
    if [ -s "$dir/data/postmaster.pid" ]; then
        pg_ctl -D "$dir/data" -m immediate -w stop
    fi
}

case $verb in
init) init ;;
check) check "$3" "$4" ;;
database) database "$3" "$4" ;;
sql) exec psql -X -q -v ON_ERROR_STOP=1 -f "$3" ;;
each) each "$3" ;;
second) second "$3" "$4" ;;
rows) rows "$3" ;;
schema) exec pg_dump --schema-only -f /dev/null ;;
diff) compare "$3" "$4" "$5" ;;
backup) exec pg_basebackup -c fast -Ft -X stream -z -D "$3" ;;
connect) exec psql -X -c '' ;;
stop) stop ;;
*) echo "pipeline.sh: unknown verb $verb" >&2; exit 2 ;;
esac
