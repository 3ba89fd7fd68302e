/** Child processes of tests. */

/** tap has every Node process below a test load its hooks, for coverage. They double the time of a server's start. */
const hasCoverage = process.env['_TAPJS_PROCESSINFO_COVERAGE_'] !== '0';

/** The command and arguments for spawn() that run a program, without tap's hooks unless coverage is recorded. */
export function program(command: string, args: readonly string[]): [string, string[]] {
  return hasCoverage ? [command, [...args]] : ['env', ['-u', 'NODE_OPTIONS', command, ...args]];
}

/**
 * The same for a script in Node. An embedded database lives too briefly here to gain from the optimizing compiler for
 * WebAssembly, which takes a second of CPU.
 */
export const nodeProgram = (args: readonly string[]): [string, string[]] =>
  program(process.execPath, ['--liftoff-only', ...args]);
