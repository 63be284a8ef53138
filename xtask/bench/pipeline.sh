#!/bin/sh
# What `cargo x bench` compares db-tool with: the pipeline of PostgreSQL's own programs that
# projects write down when they have nothing better. PostgreSQL's programs are found through PATH.
#
#   pipeline.sh init     DIR                  a running cluster with an empty database
#   pipeline.sh check    DIR BUNDLE PROJECT   the same, the bundle, the sources and the patch; all removed
#   pipeline.sh tests    DIR BUNDLE PROJECT   the same as check for each file of tests, which runs before the end
#   pipeline.sh database DIR BUNDLE FILE      the same as init, the bundle and a file of SQL
#   pipeline.sh sql      DIR FILE             a file of SQL
#   pipeline.sh each     DIR MIGRATIONS       every migration in a psql of its own, with a row of history
#   pipeline.sh connect  DIR                  nothing but a connection
#   pipeline.sh fresh    DIR FILE               another database and a file of SQL, without the bundle
#   pipeline.sh second   DIR BUNDLE FILE      another database, the bundle and a file of SQL
#   pipeline.sh rows     DIR OUT              every table of both databases dumped, and the dumps compared
#   pipeline.sh schema   DIR                  a dump of the schema
#   pipeline.sh diff     DIR BUNDLE PROJECT MIGRATION
#                                             the sources, then the migration, each in a cluster: the dumps compared
#   pipeline.sh backup   DIR OUT              a backup
#   pipeline.sh sshd     DIR SSHD PORT DELAY  an sshd, which ssh finds as the hosts near and far
#   pipeline.sh pull     DIR HOST OUT         the tables pulled_* as pg_dump there writes them
#   pipeline.sh here     DIR                  the database `here`, made anew: those tables without rows, and an index each
#   pipeline.sh load     DIR HOST OUT         what `pull` does, then psql on `here`
#   pipeline.sh clone    DIR                  a copy of the template of clones, timed in an open session
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

filled() {
    init
    cd "$2"
    bundle "$1"
    run_sql -f "$2/db/src/entrypoint.sql"
    run_sql -f "$2/test-data.sql"
}

check() {
    filled "$@"
    pg_ctl -D "$dir/data" -w stop
    rm -rf "$dir/data"
}

tests() {
    for file in "$2"/db/test/*.sql; do
        filled "$@"
        run_sql -f "$file"
        pg_ctl -D "$dir/data" -w stop
        rm -rf "$dir/data"
    done
}

database() {
    init
    bundle "$1"
    run_sql -f "$2"
}

clone() {
    run_sql -At <<'SQL'
SELECT datname AS template, 'bare_' || pg_backend_pid() || extract(epoch FROM now()) AS name
FROM pg_database WHERE datname LIKE 'shop\_template\_%' \gset
SELECT clock_timestamp() AS began \gset
CREATE DATABASE :"name" TEMPLATE :"template";
SELECT 'copied in ' || round(extract(epoch FROM clock_timestamp() - :'began') * 1000) || ' ms';
SQL
}

each() {
    for migration in "$1"/*; do
        name=${migration##*/}
        run_sql -1 -f "$migration/up.sql" \
            -c "INSERT INTO public.history (version, name) VALUES (${name%%-*}, '$name')"
    done
}

fresh() {
    createdb fresh
    PGDATABASE=fresh
    run_sql -f "$1"
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

# Nothing of the person's own configuration; DIR/ssh/ssh is for who cannot be told to use it.
serve() {
    ssh=$dir/ssh
    mkdir "$ssh"
    ssh-keygen -q -t ed25519 -N '' -f "$ssh/host"
    ssh-keygen -q -t ed25519 -N '' -f "$ssh/id"
    echo "* $(cat "$ssh/host.pub")" >"$ssh/known_hosts"
    cat >"$ssh/sshd_config" <<EOF
ListenAddress 127.0.0.1
Port $2
PidFile $dir/sshd.pid
HostKey $ssh/host
AuthorizedKeysFile $ssh/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
EOF
    cat >"$ssh/config" <<EOF
Host far
ProxyCommand $3 delay 20 127.0.0.1:$2
Host *
HostName 127.0.0.1
Port $2
User $(id -un)
IdentityFile $ssh/id
IdentitiesOnly yes
UserKnownHostsFile $ssh/known_hosts
GlobalKnownHostsFile /dev/null
EOF
    printf '#!/bin/sh\nexec /usr/bin/ssh -F %s/config "$@"\n' "$ssh" >"$ssh/ssh"
    chmod 755 "$ssh/ssh"
    libraries=${1%/*}/../lib/$(uname -m)-linux-gnu
    LD_LIBRARY_PATH=$libraries "$1" -f "$ssh/sshd_config"
}

pull() {
    "$dir/ssh/ssh" "$1" "PATH=$PATH pg_dump -a -h $dir -U $PGUSER -t 'pulled_*' $PGDATABASE" >"$2"
}

here() {
    dropdb --if-exists --force here
    createdb here
    pg_dump -s -t 'pulled_*' | PGDATABASE=here run_sql
    PGDATABASE=here run_sql -At -c "SELECT format('CREATE INDEX ON %s (customer);', oid::regclass) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'pulled%'" |
        PGDATABASE=here run_sql
}

load() {
    pull "$1" "$2"
    PGDATABASE=here run_sql -f "$2"
}

stop() {
    if [ -s "$dir/sshd.pid" ]; then
        kill "$(cat "$dir/sshd.pid")"
    fi
    if [ -s "$dir/data/postmaster.pid" ]; then
        pg_ctl -D "$dir/data" -m immediate -w stop
    fi
}

case $verb in
init) init ;;
check) check "$3" "$4" ;;
tests) tests "$3" "$4" ;;
database) database "$3" "$4" ;;
sql) exec psql -X -q -v ON_ERROR_STOP=1 -f "$3" ;;
each) each "$3" ;;
fresh) fresh "$3" ;;
second) second "$3" "$4" ;;
rows) rows "$3" ;;
schema) exec pg_dump --schema-only -f /dev/null ;;
diff) compare "$3" "$4" "$5" ;;
backup) exec pg_basebackup -c fast -Ft -X stream -z -D "$3" ;;
sshd) serve "$3" "$4" "$5" ;;
pull) pull "$3" "$4" ;;
here) here ;;
load) load "$3" "$4" ;;
clone) clone ;;
connect) exec psql -X -c '' ;;
stop) stop ;;
*) echo "pipeline.sh: unknown verb $verb" >&2; exit 2 ;;
esac
