// A PostgreSQL database for each test: clones that `database clone` of db-tool makes.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

async function database(...words) {
  const program = process.env.DB_TOOL || "database";
  try {
    const { stdout } = await run(program, words);
    return stdout.trimEnd();
  } catch (error) {
    if (error.code === "ENOENT") {
      const advice = "install db-tool, or name its program in DB_TOOL";
      throw new Error(`cannot start ${program}: ${advice}`);
    }
    throw new Error(`\`database ${words.join(" ")}\` failed:\n${(error.stderr ?? "").trimEnd()}`);
  }
}

/** Calls `end` after the test, with the answer whether the test has failed. */
function afterTest(context, end) {
  if (typeof context?.onTestFinished === "function") {
    context.onTestFinished(() => end(context.task.result?.state === "fail"));
  } else if (typeof context?.after === "function") {
    context.after(() => end(context.passed === false));
  } else {
    throw new TypeError("testDatabase needs the context of the test: test(\"…\", (t) => …)");
  }
}

export async function testDatabase(context, { patch = false, mock = false } = {}) {
  const switches = [...(patch ? ["--patch"] : []), ...(mock ? ["--mock"] : [])];
  let made;
  // before the database is there: a wrong context must leave none
  afterTest(context, async (failed) => {
    if (!made) return;
    await database("clone", failed ? "keep" : "drop", made.name);
    if (failed) console.error(`the database of the failed test: ${made.url}`);
  });
  const url = await database("clone", "--owner", String(process.pid), ...switches);
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  made = { url, name };
  return made;
}
