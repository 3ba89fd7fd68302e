import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { buildSchema, type GraphQLObjectType } from 'graphql';
import t from 'tap';
import { RENAMED_SETTINGS } from '../src/config/environment.js';
import { loadConfig } from '../src/config/config.js';
import { STATUS_BY_CODE } from '../src/lib/errors.js';
import { anchors, codeSpans, logCalls, logCallsOf, namedHeadings, namedPaths, tableRows } from './helpers/documents.js';

const read = (file: string) => readFileSync(file, 'utf8');
const markdown = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`));
const PAGES = markdown('docs');
const DOCUMENTS = [...markdown('.'), ...PAGES];
const README = read('README.md');
const CONFIGURATION = read('docs/configuration.md');
const SECURITY = read('docs/security.md');
const ASVS = read('docs/asvs.md');

/** The problems of all documents, each with the name of its document. */
function problems(files: readonly string[], find: (file: string) => readonly string[]): string[] {
  return files.flatMap((file) => find(file).map((problem) => `${file}: ${problem}`));
}

t.test('every file that a document names exists', async (t) => {
  const isMissing = (path: string) => !path.includes('NNNN') && !existsSync(path);
  t.same(
    problems(DOCUMENTS, (file) => namedPaths(file, read(file)).filter(isMissing)),
    [],
  );
  t.same(namedPaths('docs/x.md', 'See [this](../README.md#a), `src/gone.ts` and https://example.com/src/a.ts'), [
    'README.md',
    'src/gone.ts',
  ]);
  t.same(namedPaths('README.md', '![Alt](docs/gone.png) and\n\n[a]: docs/gone.md'), ['docs/gone.md', 'docs/gone.png']);
});

t.test('every heading that a document links to exists', async (t) => {
  const missing = (file: string) =>
    namedHeadings(file, read(file))
      .filter(({ path, anchor }) => !anchors(existsSync(path) ? read(path) : '').includes(anchor))
      .map(({ path, anchor }) => `${path}#${anchor}`);
  t.same(problems(DOCUMENTS, missing), []);
  t.same(anchors('## A `b` & c, d\n### E-F'), ['a-b--c-d', 'e-f']);
});

t.test('the README has at most 130 lines', async (t) => {
  t.ok(README.trimEnd().split('\n').length <= 130);
});

t.test('the README links every page of docs/', async (t) => {
  const linked = namedPaths('README.md', README);
  t.same(
    PAGES.filter((page) => !linked.includes(page)),
    [],
  );
});

t.test('every page of docs/ begins with what it helps to do', async (t) => {
  t.same(
    PAGES.filter((page) => !/^# .+\n\nThis page helps .+/.test(read(page))),
    [],
  );
});

t.test('every script that a document runs is in package.json', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const missing = (file: string) =>
    [...read(file).matchAll(/npm run (?:--silent )?([\w:-]+)/g)]
      .map(([, name]) => name!)
      .filter((name) => !(name in scripts));
  t.same(problems(DOCUMENTS, missing), []);
});

/** All variables that the configuration reads. */
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

/** Names in the first column of the tables under a heading. */
const settingsIn = (heading: string) => tableRows(CONFIGURATION, heading).flatMap(([name = '']) => codeSpans(name));

t.test('docs/configuration.md lists every variable that the configuration reads once, and no other', async (t) => {
  const earlier = settingsIn('## Renamed variables');
  const listed = settingsIn('').filter((name) => !earlier.includes(name));
  t.same(listed.sort(), settingsRead());
});

t.test('docs/configuration.md lists every earlier name of a variable with the present one', async (t) => {
  const rows = tableRows(CONFIGURATION, '## Renamed variables').map((row) => row.flatMap(codeSpans));
  t.same(rows.sort(), Object.entries(RENAMED_SETTINGS).sort());
});

t.test('documents name only settings that exist', async (t) => {
  const isSetting =
    /^(?:RATE_LIMIT|GRAPHQL|ARGON2|PASSWORD|SESSION|DATABASE|REDIS|METRICS|JWT|MAX|SHUTDOWN|TRUST)_[A-Z_]+$/;
  const known = new Set([...settingsRead(), ...Object.keys(RENAMED_SETTINGS), ...Object.keys(STATUS_BY_CODE)]);
  const unknown = (file: string) =>
    codeSpans(read(file))
      .map((span) => span.replace(/=.*$/, ''))
      .filter((span) => isSetting.test(span) && !known.has(span));
  t.same(problems(DOCUMENTS, unknown), []);
});

t.test('documents name only metrics that exist', async (t) => {
  const served = read('src/fastify/metrics.ts');
  const unknown = (file: string) =>
    codeSpans(read(file)).filter((span) => /^latchkey_(?!owner$|app$)\w+$/.test(span) && !served.includes(`'${span}'`));
  t.same(problems(DOCUMENTS, unknown), []);
});

t.test('docs/errors.md lists every code with its status, and no other', async (t) => {
  const documented = tableRows(read('docs/errors.md'), '## Codes').map(([code = '', status]) => [
    codeSpans(code)[0],
    Number(status),
  ]);
  t.same(documented.sort(), Object.entries(STATUS_BY_CODE).sort());
});

t.test('docs/accounts.md lists every query and mutation, docs/realtime.md every subscription', async (t) => {
  const schema = buildSchema(read('schema.graphql'));
  const fieldsOf = (type: GraphQLObjectType) => Object.keys(type.getFields());
  const operations = tableRows(read('docs/accounts.md'), '## Operations').flatMap(([, fields = '']) =>
    codeSpans(fields),
  );
  t.same(operations.sort(), [schema.getQueryType()!, schema.getMutationType()!].flatMap(fieldsOf).sort());
  const subscriptions = tableRows(read('docs/realtime.md'), '## Available subscriptions').map(
    ([name = '']) => codeSpans(name)[0],
  );
  t.same(subscriptions.sort(), fieldsOf(schema.getSubscriptionType()!).sort());
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

t.test('counts the rows of the ASVS table as its summary says', async (t) => {
  const all = requirements(ASVS);
  const counted = [...STATUSES, 'all'].map((status) => {
    const rows = all.filter((row) => status === 'all' || row.status === status);
    return [status, ...['1', '2'].map((level) => rows.filter((row) => row.level === level).length), rows.length];
  });
  const summary = tableRows(ASVS, '## Summary').map(([status, ...counts]) => [status, ...counts.map(Number)]);
  t.same(summary, counted);
});

t.test('locks each dependency to a digest', async (t) => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Record<string, unknown>> };
  const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith('node_modules/') && !link);
  const unlocked = installed.filter(([, { integrity }]) => !/^sha512-/.test(String(integrity)));
  t.same(
    unlocked.map(([path]) => path),
    [],
  );
  t.ok(installed.length > 0);
});
