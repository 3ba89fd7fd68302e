import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { AccountEvent } from '../../src/events/events.js';
import { createHub } from '../../src/events/hub.js';
import { decodeEvent, encodeEvent } from '../../src/events/message.js';
import { recordingLog } from '../helpers/events.js';

const event = (): AccountEvent => ({ auditId: randomUUID(), userId: randomUUID(), sessionId: randomUUID() });

t.test('an event arrives as it was sent, without anything that was beside the ids', async (t) => {
  const ids = event();
  const text = encodeEvent({ ...ids, secret: 'hunter2' } as AccountEvent);
  t.notMatch(text, 'hunter2');
  t.same(decodeEvent(text), ids);
});

const good = event();
const MALFORMED: Record<string, string> = {
  'no JSON': 'hello',
  'no object': 'null',
  'an array': '[]',
  'no ids': '{}',
  'an id that is none': JSON.stringify({ ...good, auditId: '1; drop table users' }),
  'a number for an id': JSON.stringify({ ...good, userId: 1 }),
  'a missing session': JSON.stringify({ auditId: good.auditId, userId: null }),
  'an event that is too long': JSON.stringify({ ...good, more: 'x'.repeat(1000) }),
};
for (const [what, text] of Object.entries(MALFORMED)) {
  t.test(`${what} is no event`, async (t) => t.equal(decodeEvent(text), undefined));
}

t.test('what is no event is ignored and logged once, without its content', async (t) => {
  const { log, lines } = recordingLog();
  const hub = createHub(log);
  const arrived: AccountEvent[] = [];
  hub.listen((each) => arrived.push(each));
  for (const text of Object.values(MALFORMED)) hub.receive(text);
  hub.receive(encodeEvent(good));
  t.same(arrived, [good]);
  t.equal(lines.length, 1);
  t.notMatch(JSON.stringify(lines), 'hello');
});

t.test('a listener that fails keeps the others from nothing', async (t) => {
  const { log, lines } = recordingLog();
  const hub = createHub(log);
  const arrived: AccountEvent[] = [];
  hub.listen(() => {
    throw new Error('boom');
  });
  hub.listen((each) => arrived.push(each));
  hub.receive(encodeEvent(good));
  t.same(arrived, [good]);
  t.match(lines, [{ level: 'warn', err: { message: 'boom' } }]);
});

t.test('each change of the connection is told once; what may have been missed is told as a loss', async (t) => {
  const hub = createHub(recordingLog().log);
  const changes: boolean[] = [];
  hub.onConnection((connected) => changes.push(connected));
  hub.missed();
  hub.setConnected(false);
  t.same(changes, [], 'there was none');
  hub.setConnected(true);
  hub.setConnected(true);
  hub.missed();
  t.same(changes, [true, false, true]);
  t.equal(hub.connected(), true);
});
