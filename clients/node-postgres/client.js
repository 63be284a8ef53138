// Connects with the exported variables only, and prints what the server sees.

const { Client } = require("pg");

const QUERY = `
SELECT current_user AS role, host(inet_server_addr()) AS address, ssl
FROM pg_stat_ssl WHERE pid = pg_backend_pid()
`;

async function main() {
  const byUrl = process.argv[2] === "url";
  const client = new Client(byUrl ? { connectionString: process.env.DATABASE_URL } : {});
  await client.connect();
  const { rows } = await client.query(QUERY);
  await client.end();
  const [{ role, address, ssl }] = rows;
  console.log(role, address, ssl ? "encrypted" : "plain");
}

main().catch((error) => {
  console.error(error.message);
  // a connection that waits for a password is still open
  process.exit(1);
});
