/** Settings that an application passes in code. */
import t from 'tap';
import { ConfigError, loadConfig, loadSettings, type Settings } from '../../src/config/config.js';
import { openLatchkey } from '../../src/api/embedded.js';

function issuesOf(settings: Settings): readonly string[] {
  try {
    loadSettings(settings);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

t.test('refuses names that are no setting, and suggests the nearest one', async (t) => {
  t.same(issuesOf({ PUBLC_URL: 'http://127.0.0.1', dataDir: 'memory://', SMTP_URI: undefined, MOVIES: 1 }), [
    'PUBLC_URL: is not a setting; did you mean PUBLIC_URL?',
    'dataDir: is not a setting; did you mean DATA_DIR?',
    'SMTP_URI: is not a setting; did you mean SMTP_URL?',
    'MOVIES: is not a setting',
  ]);
});

t.test('reports a misspelt name together with the other issues', async (t) => {
  t.same(issuesOf({ NODE_ENVV: 'test', PORT: -1 }), [
    'NODE_ENVV: is not a setting; did you mean NODE_ENV?',
    'PORT: expected a whole number from 0 to 65535',
  ]);
});

t.test('accepts settings, numbers, booleans, renamed settings and files with secrets', async (t) => {
  const settings = { PORT: 4000, GRAPHIQL: false, HASH_QUEUE: 7, AUTH_SECRET_FILE: '', DATABASE_URL: undefined };
  t.match(loadSettings(settings), { port: 4000, graphiql: false, argon2: { queue: 7 } });
});

t.test('accepts other names in the environment, and settings that were copied from it', async (t) => {
  t.intercept(process, 'env', { value: { PATH: '/bin', LATCHKEY_TEST: 'x' } });
  t.doesNotThrow(() => loadConfig());
  t.same(issuesOf({ ...process.env, PORT: 1 }), []);
  t.same(issuesOf({ ...process.env, LATCHKEY_TEST: 'y' }), ['LATCHKEY_TEST: is not a setting']);
});

t.test('does not start an embedded API with a misspelt setting', async (t) => {
  await t.rejects(openLatchkey({ config: { DATA_DIR: 'memory://', PUBLICURL: 'http://127.0.0.1' } }), {
    name: 'ConfigError',
    issues: ['PUBLICURL: is not a setting; did you mean PUBLIC_URL?'],
  });
});
