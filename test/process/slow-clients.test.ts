/** Slow clients: the server closes their connections after 15 s, so these tests have a separate file. */
import { connect } from 'node:net';
import t from 'tap';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { ask, register, startInstance } from '../helpers/instances.js';
import { ME } from '../helpers/seed.js';

t.test('closes connections of slow senders without affecting others', async (t) => {
  const server = await startInstance(t, onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {});
  const account = await register(server);
  const { hostname, port } = new URL(server.url);
  const slow = Array.from({ length: 300 }, (_, index) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    // Incomplete headers, and a missing body.
    const head = `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;
    socket.write(index % 2 === 0 ? head : `${head}content-length: 1000\r\n\r\n{"query":`);
    const drip = setInterval(() => socket.write(index % 2 === 0 ? 'x-more: 1\r\n' : ' '), 1_000);
    socket.on('close', () => clearInterval(drip));
    t.teardown(() => {
      clearInterval(drip);
      socket.destroy();
    });
    return new Promise((resolve) => socket.on('close', resolve));
  });
  for (let time = 0; time < 20; time += 1) {
    t.equal((await ask(server, ME, {}, { token: account.accessToken })).code, undefined);
  }
  // Closed by the server; the test closes none.
  await Promise.all(slow);
  t.equal((await ask(server, ME, {}, { token: account.accessToken })).code, undefined);
});
