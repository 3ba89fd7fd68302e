// The SQL of a rotation, for pgbench and the floor. It is read from the repository of Latchkey, so the statements are the same.
import { writeFileSync } from 'node:fs';
import { drizzle } from 'drizzle-orm/postgres-js';
import { createRotationRepository } from '../../dist/sessions/rotation-repository.js';

/** The text with `$1`, `$2`, …, and the name of the value of each parameter. */
export async function rotationStatement() {
  const executor = drizzle.mock({ casing: 'snake_case' });
  let query;
  executor._.session.prepareQuery = (prepared) => {
    query = prepared;
    return { execute: async () => [] };
  };
  await createRotationRepository(executor).rotate([{ id: '', generation: 0, client: {} }], new Date());
  const names = query.params.map((param) => (param.value ?? param).name);
  const unknown = names.filter(
    (name) => !['id', 'generation', 'now', 'idleSince', 'ipAddress', 'userAgent'].includes(name),
  );
  if (unknown.length > 0) throw new Error(`The rotation has an unknown parameter: ${unknown.join()}`);
  return { text: query.sql, names };
}

/** The text with pgbench's variables in place of parameters; each session is rotated by one client. */
export async function rotationScript(file) {
  const { text: query, names } = await rotationStatement();
  const text = query.replace(/\$(\d+)/g, (_all, position) => `:${names[position - 1]}`);
  writeFileSync(
    file,
    [
      '\\if :generation < 0',
      'select id, ip_address as "ipAddress", user_agent as "userAgent", now() as now,',
      '  timestamptz \'epoch\' as "idleSince" from sessions',
      '  order by id offset :client_id limit 1 \\gset',
      '\\endif',
      '\\set generation :generation + 1',
      `${text};`,
      '',
    ].join('\n'),
  );
}
