import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { AccountEvent } from '../../src/events/events.js';
import { createEventDispatcher } from '../../src/events/dispatcher.js';
import { decodeEvent, decodeMissed, encodeEvent, encodeMissed } from '../../src/events/message.js';
import { recordingLog } from '../helpers/events.js';

const event = (): AccountEvent => ({ auditId: randomUUID(), userId: randomUUID(), sessionId: randomUUID() });

t.test('decodes only the ids of an event', async (t) => {
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
  t.test(`rejects ${what} as an event`, async (t) => t.equal(decodeEvent(text), undefined));
}

t.test('ignores malformed messages and logs once, without content', async (t) => {
  const { log, lines } = recordingLog();
  const hub = createEventDispatcher(log);
  const arrived: AccountEvent[] = [];
  hub.listen((each) => arrived.push(each));
  for (const text of Object.values(MALFORMED)) hub.receive(text);
  hub.receive(encodeEvent(good));
  t.same(arrived, [good]);
  t.equal(lines.length, 1);
  t.notMatch(JSON.stringify(lines), 'hello');
});

t.test('calls the other listeners when one throws', async (t) => {
  const { log, lines } = recordingLog();
  const hub = createEventDispatcher(log);
  const arrived: AccountEvent[] = [];
  hub.listen(() => {
    throw new Error('boom');
  });
  hub.listen((each) => arrived.push(each));
  hub.receive(encodeEvent(good));
  t.same(arrived, [good]);
  t.match(lines, [{ level: 'warn', err: { message: 'boom' } }]);
});

t.test('reports each connection change once and possible losses as an outage', async (t) => {
  const hub = createEventDispatcher(recordingLog().log);
  const changes: unknown[] = [];
  hub.onConnection((...change) => changes.push(change));
  hub.setConnected(false);
  t.same(changes, [], 'there was none');
  hub.setConnected(true);
  hub.setConnected(true);
  hub.reportLoss(7);
  t.same(changes.splice(0), [
    [true, undefined],
    [false, 7],
    [true, undefined],
  ]);
  t.equal(hub.connected(), true);
  hub.setConnected(false);
  hub.reportLoss(5);
  t.same(changes, [
    [false, undefined],
    [false, 5],
  ]);
  t.equal(hub.connected(), false, 'and it is not back by that');
});

t.test('decodes the start of a loss, which older releases omit', async (t) => {
  t.same(decodeMissed(encodeMissed(1_780_000_000_000)), { since: 1_780_000_000_000 });
  t.same(decodeMissed('missed'), { since: undefined });
  for (const text of [
    'missed:',
    'missed:-1',
    'missed:1.5',
    'missed:1e3',
    'missed:x',
    'missed:1 ',
    'missed:1\n',
    'xmissed',
  ]) {
    t.equal(decodeMissed(text), undefined, text);
  }
  t.equal(decodeMissed(`missed:${'9'.repeat(16)}`), undefined, 'no moment');
});
