import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { RENAMED_SETTINGS } from '../src/config/environment.js';
import { loadConfig } from '../src/config/config.js';
import { STATUS_BY_CODE } from '../src/lib/errors.js';
import {
  anchors,
  codeSpans,
  logCalls,
  logCallsOf,
  namedHeadings,
  namedPaths,
  section,
  tableRows,
} from './helpers/documents.js';

const read = (file: string) => readFileSync(file, 'utf8');
const markdown = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`));
const README = read('README.md');
const SECURITY = read('docs/security.md');
const ASVS = read('docs/asvs.md');

t.test('every file that a document names exists', async (t) => {
  for (const file of [...markdown('.'), ...markdown('docs')]) {
    const missing = namedPaths(file, read(file)).filter((path) => !path.includes('NNNN') && !existsSync(path));
    t.same(missing, [], file);
  }
  t.same(namedPaths('docs/x.md', 'See [this](../README.md#a), `src/gone.ts` and https://example.com/src/a.ts'), [
    'README.md',
    'src/gone.ts',
  ]);
});

t.test('every heading that a document links to exists', async (t) => {
  for (const file of [...markdown('.'), ...markdown('docs')]) {
    const missing = namedHeadings(file, read(file)).filter(
      ({ path, anchor }) => !anchors(existsSync(path) ? read(path) : '').includes(anchor),
    );
    t.same(missing, [], file);
  }
  t.same(anchors('## A `b` & c, d\n### E-F'), ['a-b--c-d', 'e-f']);
});

/** Every variable that the configuration asks the environment for. */
function settingsRead(): string[] {
  const names = new Set<string>();
  for (const mode of ['development', 'production']) {
    const env = new Proxy<Record<string, string | undefined>>(
      {},
      {
        get(_target, name) {
          names.add(String(name));
          return name === 'NODE_ENV' ? mode : undefined;
        },
      },
    );
    try {
      loadConfig(env);
    } catch {
      // Production needs more than this; every variable was asked for by then.
    }
  }
  // Earlier names still work, with a warning; secrets in files are one row.
  const documented = [...names].filter((name) => !(name in RENAMED_SETTINGS));
  return [...new Set(documented.map((name) => (name.endsWith('_FILE') ? '<NAME>_FILE' : name)))].sort();
}

/** Names in the first column; one that begins with an underscore is short for `GRAPHQL_MAX…`. */
function settingsDocumented(document: string): string[] {
  return tableRows(document, '## Configuration')
    .flatMap(([names = '']) => codeSpans(names))
    .map((name) => (name.startsWith('_') ? `GRAPHQL_MAX${name}` : name))
    .sort();
}

t.test('the table of settings lists every variable that the configuration reads, and no other', async (t) => {
  t.same(settingsDocumented(README), settingsRead());
});

t.test('the table of errors lists every code with its status, and no other', async (t) => {
  const documented = tableRows(README, '## Errors').map(([code = '', status]) => [codeSpans(code)[0], Number(status)]);
  t.same(documented.sort(), Object.entries(STATUS_BY_CODE).sort());
});

t.test('the schema names only codes and settings that exist', async (t) => {
  const known = new Set([...Object.keys(STATUS_BY_CODE), ...settingsRead(), 'DELETE_MY_ACCOUNT']);
  const named = codeSpans(read('schema.graphql')).filter((span) => /^[A-Z]+(?:_[A-Z]+)+$/.test(span));
  t.same(
    named.filter((name) => !known.has(name)),
    [],
  );
  t.ok(named.length > 0);
});

t.test('the log inventory lists every message of the source with its level, and no other', async (t) => {
  const documented = tableRows(SECURITY, '### Log lines').map(
    ([level, message = '']) => `${level} ${codeSpans(message)[0]}`,
  );
  const logged = logCalls('src').map(({ level, message }) => `${level} ${message}`);
  t.same([...new Set(documented)].sort(), [...new Set(logged)].sort());
  t.throws(() => logCallsOf('a.ts', 'log.warn({ err })'), /without a message/);
  t.same(logCallsOf('a.ts', 'this.log.info(`${a} is ${b}.`)'), [{ level: 'info', message: '… is ….' }]);
});

t.test('the documents list every type of audit event, and no other', async (t) => {
  const source = read('src/audit/event.ts');
  const union = /export type AuditType =([^;]+);/.exec(source)![1]!;
  const types = [...union.matchAll(/'([^']+)'/g)].map((match) => match[1]!).sort();
  const documented = tableRows(SECURITY, '### Audit events').flatMap(([type = '']) => codeSpans(type));
  t.same(documented.sort(), types);
  const inReadme = codeSpans(section(README, '## Operations')).filter((span) => /^[a-z]+\.[a-z_]+$/.test(span));
  t.same(inReadme.sort(), types);
});

const STATUSES = ['met', 'in part', 'not met', 'operator', 'not yet', 'not applicable'];
/** Requirements of levels 1 and 2 in each chapter of OWASP ASVS 5.0.0, which has 70 of level 1 and 183 of level 2. */
const CHAPTERS = [27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7];

interface Requirement {
  readonly id: string;
  readonly level: string;
  /** Without the feature that a "not yet" waits for. */
  readonly status: string;
  readonly tests: readonly string[];
}

/** Rows of the tables whose first cell is the id of a requirement. */
function requirements(document: string): Requirement[] {
  return tableRows(document, '')
    .filter(([id = '']) => /^\d+\.\d+\.\d+$/.test(id))
    .map(([id = '', level = '', , status = '', , shownBy = '']) => ({
      id,
      level,
      status: status.replace(/^not yet \(.+\)$/, 'not yet'),
      tests: codeSpans(shownBy),
    }));
}

t.test('the ASVS table has every requirement of levels 1 and 2 once', async (t) => {
  const all = requirements(ASVS);
  t.equal(new Set(all.map(({ id }) => id)).size, all.length);
  t.same(
    CHAPTERS.map((_, at) => all.filter(({ id }) => id.startsWith(`${at + 1}.`)).length),
    CHAPTERS,
  );
  t.equal(all.filter(({ level }) => level === '1').length, 70);
  t.equal(all.filter(({ level }) => level === '2').length, 183);
  t.same(
    all.filter(({ status }) => !STATUSES.includes(status)),
    [],
  );
});

t.test('each met requirement of the ASVS table names test files that exist', async (t) => {
  const unshown = requirements(ASVS).filter(
    ({ status, tests }) =>
      status === 'met' &&
      !(tests.length > 0 && tests.every((file) => /^test\/.*\.test\.ts$/.test(file) && existsSync(file))),
  );
  t.same(unshown, []);
});

t.test("the counts of the ASVS summary are those of its table's rows", async (t) => {
  const all = requirements(ASVS);
  const counted = [...STATUSES, 'all'].map((status) => {
    const rows = all.filter((row) => status === 'all' || row.status === status);
    return [status, ...['1', '2'].map((level) => rows.filter((row) => row.level === level).length), rows.length];
  });
  const summary = tableRows(ASVS, '## Summary').map(([status, ...counts]) => [status, ...counts.map(Number)]);
  t.same(summary, counted);
});

t.test('each dependency is locked to the digest of its content', async (t) => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Record<string, unknown>> };
  const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith('node_modules/') && !link);
  const unlocked = installed.filter(([, { integrity }]) => !/^sha512-/.test(String(integrity)));
  t.same(
    unlocked.map(([path]) => path),
    [],
  );
  t.ok(installed.length > 0);
});
