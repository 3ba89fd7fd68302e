// Many sockets in a separate process: opens them, subscribes on each, and measures the time until events arrive.
import WebSocket from 'ws';
import { percentile } from '../lib/stats.mjs';

const SUBSCRIBE = JSON.stringify({
  id: '1',
  type: 'subscribe',
  payload: { query: 'subscription { meUpdated { id displayName } }' },
});
/** Sockets that open concurrently. */
const OPENING = 50;
const now = () => performance.timeOrigin + performance.now();

const sockets = [];
/** The first failure of an open socket. All later work fails with it. */
let fault;
let onEvent = () => undefined;

/** Opens one socket, authenticates and subscribes; resolves when the server has acknowledged. */
function open(url, token) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  sockets.push(socket);
  return new Promise((resolve, rejectOpening) => {
    const reject = (error) => {
      fault ??= error;
      rejectOpening(error);
    };
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
    );
    socket.on('close', (code, reason) => reject(new Error(`A socket was closed: ${code} ${reason}`)));
    socket.on('error', reject);
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type === 'connection_ack') {
        socket.send(SUBSCRIBE);
        resolve();
      } else if (message.type === 'ping') socket.send(JSON.stringify({ type: 'pong' }));
      else if (message.type === 'next' && message.payload.data?.meUpdated)
        onEvent(message.payload.data.meUpdated, now());
      else reject(new Error(`Not expected: ${data}`));
    });
  });
}

async function openAll({ url, tokens, count }) {
  for (let opened = 0; opened < count; opened += OPENING) {
    const batch = Array.from({ length: Math.min(OPENING, count - opened) }, (_, index) =>
      open(url, tokens[(opened + index) % tokens.length]),
    );
    await Promise.all(batch);
  }
}

function count() {
  return { open: sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length };
}

/** Changes an account at a constant rate. Each of its sockets must receive an event for each change, once. */
async function fanOut({ url, token, changes, perSecond }) {
  const query = 'mutation ($at: String) { updateMe(input: { displayName: $at }) { id } }';
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const latencies = [];
  let begun;
  let ended;
  onEvent = (user, at) => {
    latencies.push(at - Number(user.displayName));
    ended = at;
  };
  const change = async () => {
    const at = String(now());
    begun ??= Number(at);
    const body = JSON.stringify({ query, variables: { at } });
    const answer = await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json();
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  };
  const running = [];
  for (let made = 0; made < changes; made += 1) {
    const changing = change();
    // The rejection is reported below; until then no code awaits the promise.
    changing.catch(() => undefined);
    running.push(changing);
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
  await Promise.all(running);
  const expected = changes * sockets.length;
  for (let waited = 0; latencies.length < expected && waited < 5000 && !fault; waited += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const sorted = Float64Array.from(latencies).sort();
  return {
    expected,
    delivered: latencies.length,
    perSecond: latencies.length / ((ended - begun) / 1000),
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  };
}

const works = { open: openAll, count, 'fan-out': fanOut };

process.on('message', async ({ work, ...options }) => {
  try {
    const result = await works[work](options);
    if (fault) throw fault;
    process.send({ result });
  } catch (error) {
    process.send({ error: error.message });
  }
});
