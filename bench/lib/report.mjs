// The report: Markdown tables of one run. The text around them in the file is kept.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import prettier from 'prettier';
import { chart } from './chart.mjs';
import { goalsOf } from './goals.mjs';

const BEGIN = '<!-- measured: begin -->';
const END = '<!-- measured: end -->';

/** Formats numbers. */
const whole = (value) => (value === undefined ? '' : Math.round(value).toLocaleString('en'));
const short = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(2));
const ms = (value) => (value === undefined ? '' : `${value.toFixed(1)} ms`);
const spread = ({ median, low, high }) => `**${short(median)}** (${short(low)}–${short(high)})`;
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Writes the tables and the chart into a directory; returns the Markdown of the tables. */
export async function writeReport(directory, results, name = 'benchmarks') {
  mkdirSync(directory, { recursive: true });
  const markdown = tables(results);
  if (results.me) writeFileSync(join(directory, `${name}.svg`), chart(results.me.rows));
  await replaceBetween(join(directory, `${name}.md`), markdown);
  return markdown;
}

/** Replaces the text between the marks of a file. Creates the file if it does not exist. */
export async function replaceBetween(file, text, title = 'Benchmarks') {
  mkdirSync(dirname(file), { recursive: true });
  const before = existsSync(file) ? readFileSync(file, 'utf8') : `# ${title}\n\n${BEGIN}\n${END}\n`;
  const [head, tail] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (head === -1 || tail === -1) throw new Error(`${file} lacks the marks between which the report goes`);
  const whole = `${before.slice(0, head + BEGIN.length)}\n\n${text}\n\n${before.slice(tail)}`;
  const options = await prettier.resolveConfig(file);
  writeFileSync(file, await prettier.format(whole, { ...options, parser: 'markdown' }));
}

/** The tables of a run at two sizes. */
export function scaleTables({ places, rows, clearing, machine }) {
  const [few, many] = places.map(({ users, sessions }) => `${whole(users)} accounts, ${whole(sessions)} sessions`);
  const microseconds = (at) =>
    `${[at.serverCpu, at.databaseCpu]
      .filter((value) => value !== undefined)
      .map(whole)
      .join(' + ')} µs`;
  const beside = [clearing.alone, clearing.beside].map(({ name, p50, p99 }) => [name, ms(p50), ms(p99)]);
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}.`,
    table(
      ['', few, many, 'times as long'],
      rows.map(({ name, few: a, many: b, ratio }) => [
        name,
        ...[a, b].map((at) => `${whole(at.perSecond)}/s, CPU ${microseconds(at)}, p99 ${ms(at.p99)}`),
        spread(ratio),
      ]),
    ),
    table(['with many accounts', 'p50', 'p99'], beside),
    `p99 beside clearing (${whole(clearing.perSecond)} sessions a second) to p99 alone: ${spread(clearing.ratio)}.`,
    table(
      ['', 'seeding', 'on disk'],
      places.map((place, index) => [[few, many][index], `${whole(place.seededS)} s`, `${whole(place.megabytes)} MB`]),
    ),
    table(['', ''], Object.entries(machine)),
  ].join('\n\n');
}

/** The tables of a run. */
export function tables(results) {
  const { me, login, refresh, startup, memory, sockets, hasher, machine, settings, warmUps } = results;
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${settings}`,
    table(
      ['goal', '', 'measured', ''],
      goalsOf(results).map(({ name, goal, value, unit = '', factor }) => [
        name,
        goal,
        `${short(value)}${unit}`,
        factor >= 1 ? 'hit' : `missed by ${Math.round((1 - factor) * 100)} %`,
      ]),
    ),
    me && `### \`me\`\n\n![Requests a second, the floor as 1](benchmarks.svg)\n\n${meTable(me)}`,
    login && `### Login\n\n${loginTable(login)}`,
    refresh &&
      `### Refresh\n\n${rateTable(refresh.rows, 'to pgbench')}\n\n` +
        `- Latchkey's refresh to the floor: ${spread(refresh.overFloor)}`,
    (startup || memory || sockets) && `### The process\n\n${processTable({ startup, memory, sockets })}`,
    hasher &&
      `### The hasher\n\nBuilt for this processor it makes ${spread(hasher.ratio)} times as many hashes as the prebuilt ` +
        `binary: ${whole(hasher.built)} and ${whole(hasher.prebuilt)} a second.`,
    warmUps?.length > 0 && `### Warm-up\n\n${warmUpTable(warmUps)}`,
    `### Machine and versions\n\n${table(['', ''], Object.entries(machine))}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

function warmUpTable(warmUps) {
  return table(
    ['', 'windows', 'CPU of a request, first window', 'last window', ''],
    warmUps.map(({ name, windows, level, costs }) => [
      name,
      String(windows),
      `${whole(costs[0])} µs`,
      `${whole(costs.at(-1))} µs`,
      level ? '' : 'not level',
    ]),
  );
}

function meTable({ rows, overPeers }) {
  const head = ['', 'to the floor', 'requests/s', 'CPU, server', 'CPU, database', 'CPU, load', 'p50', 'p99', 'memory'];
  const microseconds = (value) => (value === undefined ? '' : `${whole(value)} µs`);
  const peers = overPeers.map(({ name, ratio }) => `- Latchkey (EdDSA) to ${name}: ${spread(ratio)}`);
  return [
    table(
      head,
      rows.map((row) => [
        row.name,
        spread(row.ratio),
        whole(row.perSecond),
        ...[row.serverCpu, row.databaseCpu, row.loadCpu].map(microseconds),
        ms(row.p50),
        ms(row.p99),
        `${whole(row.memoryMb)} MB`,
      ]),
    ),
    ...(peers.length > 0 ? [peers.join('\n')] : []),
  ].join('\n\n');
}

function rateTable(rows, against) {
  return table(
    ['', against, 'a second', 'CPU, server', 'CPU, database', 'p50', 'p99'],
    rows.map(({ name, ratio, perSecond, serverCpu, databaseCpu, p50, p99 }) => [
      name,
      spread(ratio),
      whole(perSecond),
      ...[serverCpu, databaseCpu].map((value) => (value === undefined ? '' : `${whole(value)} µs`)),
      ms(p50),
      ms(p99),
    ]),
  );
}

function loginTable({ rows, overPeer, storm }) {
  const lines = [
    ...(overPeer ? [`- Latchkey's login to Better Auth's sign-in: ${spread(overPeer)}`] : []),
    `- \`me\` at a constant 200/s: p99 ${ms(storm.idle.p99)} with nothing else to do, ${ms(storm.busy.p99)} while logins` +
      ` saturate the server: ${spread(storm.ratio)} ×`,
  ];
  return `${rateTable(rows, 'to raw argon2')}\n\n${lines.join('\n')}`;
}

function processTable({ startup, memory, sockets }) {
  return table(
    ['', ''],
    [
      ...(startup
        ? [
            ['start to first answer, Postgres with tables', `${whole(startup.migratedMs)} ms`],
            ['start to first answer, empty Postgres', `${whole(startup.emptyMs)} ms`],
            ['start to first answer, embedded', `${whole(startup.embeddedMs)} ms`],
          ]
        : []),
      ...(memory
        ? [
            ['resident memory, idle', `${whole(memory.idleMb)} MB`],
            [`resident memory, after ${whole(memory.requests)} requests`, `${whole(memory.afterMb)} MB`],
          ]
        : []),
      ...(sockets
        ? [
            [`${whole(sockets.count)} idle sockets with a subscription each`, `${whole(sockets.moreMb)} MB more`],
            ['of which each', `${(sockets.eachKb ?? 0).toFixed(1)} KB`],
            [`${whole(sockets.perSecond)} events delivered a second`, `p50 ${ms(sockets.p50)}, p99 ${ms(sockets.p99)}`],
          ]
        : []),
    ],
  );
}
