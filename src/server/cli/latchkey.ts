#!/usr/bin/env node
/** `npx latchkey COMMAND`: the commands of the package. */

/** The modules run their command when they are imported. */
const COMMANDS: ReadonlyMap<string, () => Promise<unknown>> = new Map([
  ['migrate', () => import('./migrate.js')],
  ['rotate-keys', () => import('./rotate-keys.js')],
  ['oauth-client', () => import('./oauth-client.js')],
]);

const USAGE = `Usage: latchkey COMMAND

  migrate              applies pending migrations
  rotate-keys          creates new signing keys
  oauth-client create  creates an OAuth client; --help lists the options

The commands read the settings of the server from the environment.
`;

const run = COMMANDS.get(process.argv[2] ?? '');
if (run) await run();
else {
  const asked = ['help', '--help', '-h'].includes(process.argv[2] ?? '');
  process[asked ? 'stdout' : 'stderr'].write(USAGE);
  process.exitCode = asked ? 0 : 1;
}
