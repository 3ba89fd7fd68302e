/**
 * A migrated embedded database, created once for each state of the migrations. A test gets a copy, in memory or in a
 * directory: initdb and the migrations take about 4 s of CPU, a copy 0.2 s.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, type Dirent } from 'node:fs';
import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryFS, PGlite } from '@electric-sql/pglite';
import { embedded } from '../../src/db/embedded.js';
import { migrations } from '../../src/db/migrate.js';
import type { TestScope } from './app.js';

/** Identifies the migrations and the Node version. */
export const migrationState = createHash('sha256')
  .update(JSON.stringify(migrations()) + process.version)
  .digest('hex')
  .slice(0, 16);

const TEMPLATE = join(tmpdir(), `latchkey-test-${migrationState}`);
/** Where PGlite keeps the database in its own file system. */
const PGDATA = '/pglite/data';
/** The 128 MB of the default cost a tenth of a second of CPU to initialize. */
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'];

/** Opens a copy in memory. */
export async function openTemplateCopy(): Promise<PGlite> {
  await prepareTemplate();
  return PGlite.create({ fs: new TemplateFS(), startParams });
}

/** Creates a DATA_DIR with a copy, as if a server had started there before. It is deleted after the test. */
export async function migratedDataDir(t: TestScope): Promise<string> {
  await prepareTemplate();
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-data-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await cp(TEMPLATE, join(directory, 'postgres'), { recursive: true });
  return directory;
}

/** Several test processes may create it concurrently: the first to finish wins. */
async function prepareTemplate(): Promise<void> {
  if (existsSync(TEMPLATE)) return;
  const draft = `${TEMPLATE}.${randomUUID()}`;
  // Small files are quick to copy: a segment of the write-ahead log has 16 MB by default.
  const client = await PGlite.create({ dataDir: draft, initDbStartParams: ['--wal-segsize=1'] });
  const database = embedded(client);
  await database.migrate();
  // Two thirds of the files, and no test creates a database in an embedded one.
  await client.exec('update pg_database set datistemplate = false');
  await client.exec('drop database template0');
  await client.exec('drop database template1');
  await client.exec('checkpoint');
  await database.close();
  await rename(draft, TEMPLATE).catch(() => rm(draft, { recursive: true }));
}

interface TemplateFile {
  readonly path: string;
  readonly content: Buffer;
}

/** The files of the template below PGDATA, and its directories, which precede what they contain. */
interface TemplateContent {
  readonly directories: readonly string[];
  readonly files: readonly TemplateFile[];
}

let content: TemplateContent | undefined;

/** Reads the template once for each process. */
function templateContent(): TemplateContent {
  if (content) return content;
  const entries = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true });
  const pathOf = ({ parentPath, name }: Dirent) => PGDATA + join(parentPath, name).slice(TEMPLATE.length);
  return (content = {
    directories: entries
      .filter((entry) => entry.isDirectory())
      .map(pathOf)
      .sort(),
    files: entries
      .filter((entry) => entry.isFile())
      .map((entry) => ({ path: pathOf(entry), content: readFileSync(join(entry.parentPath, entry.name)) })),
  });
}

/**
 * A file system in memory that starts with the template, which PGlite finds like a database of an earlier start. Opening one takes
 * 0.23 s of CPU; `loadDataDir` of a dump takes 0.76 s.
 */
class TemplateFS extends MemoryFS {
  override async initialSyncFs(): Promise<void> {
    const { FS } = this.pg!.Module;
    const { directories, files } = templateContent();
    FS.mkdirTree(PGDATA, 0o700);
    for (const directory of directories) FS.mkdir(directory, 0o700);
    // PGlite writes to its files in place, so each database has a copy of its own.
    for (const { path, content } of files) FS.writeFile(path, Uint8Array.from(content), { canOwn: true });
  }
}
