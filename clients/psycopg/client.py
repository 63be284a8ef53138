"""Connects with the exported variables only, and prints what the server sees."""

import os
import sys

import psycopg

QUERY = """
SELECT current_user, host(inet_server_addr()), ssl
FROM pg_stat_ssl WHERE pid = pg_backend_pid()
"""


def main() -> int:
    conninfo = os.environ["DATABASE_URL"] if sys.argv[1] == "url" else ""
    try:
        with psycopg.connect(conninfo) as connection:
            user, address, encrypted = connection.execute(QUERY).fetchone()
    except psycopg.Error as error:
        print(error, file=sys.stderr)
        return 1
    print(user, address, "encrypted" if encrypted else "plain")
    return 0


sys.exit(main())
