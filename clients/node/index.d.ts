/** The context that node:test gives to a test. */
export interface NodeTestContext {
  after(fn: () => Promise<void>): void;
  readonly passed?: boolean;
}

/** The context that vitest gives to a test. */
export interface VitestContext {
  onTestFinished(fn: () => Promise<void>): void;
  readonly task: { readonly result?: { readonly state?: string } };
}

export interface Options {
  /** Run the patch file, too. */
  patch?: boolean;
  /** Set the psql variable `USE_MOCK=1`. */
  mock?: boolean;
}

/** The database of a test. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
}

/**
 * Makes a database with the content of the project's sources. It is dropped when the test ends. If
 * the test fails, it stays for an hour, and its URL is on standard error.
 */
export function testDatabase(
  context: NodeTestContext | VitestContext,
  options?: Options,
): Promise<TestDatabase>;
