/**
 * Runs several test files in one process, each as a subtest with its own teardown. A process alone needs 2 s of CPU until its first
 * test runs, and later files find warm code. scripts/group-tests.mjs makes the groups; scripts/typescript-loader.mjs gives test
 * files this module as 'tap'.
 */
import tap from 'tap';

/** The test file that runs: in a process with one file, tap itself. */
let t = tap;
export { t as default };

/** @param {readonly string[]} files paths below the root of the project */
export async function runTestFiles(files) {
  for (const file of files) {
    await tap.test(file, async (test) => {
      t = test;
      await import(new URL(`../${file}`, import.meta.url));
    });
  }
}
