import { buildSchema, parse, type ExecutionArgs, type ExecutionResult } from 'graphql';
import t from 'tap';
import { createSharedSubscribe, type Stream } from '../../../src/graphql/ws/shared-execution.js';
import { source } from '../../helpers/source.js';

const TICK = parse('subscription ($n: Int) { tick(n: $n) }');
const OTHER = parse('subscription ($n: Int) { other: tick(n: $n) }');

/** Subscriptions to one feed, counting how often its events are resolved. */
function setup() {
  const schema = buildSchema('type Query { a: Int } type Subscription { tick(n: Int): Int }');
  const field = schema.getSubscriptionType()!.getFields()['tick']!;
  const state = { resolved: 0, fail: false };
  const sources: ReturnType<typeof source>[] = [];
  field.subscribe = () => {
    const next = source();
    sources.push(next);
    return next.stream;
  };
  field.resolve = () => {
    state.resolved += 1;
    if (state.fail) throw new Error('failed');
    return state.resolved;
  };
  const subscribe = createSharedSubscribe();
  const open = async (authorization: string, args: Partial<ExecutionArgs> = {}) =>
    (await subscribe({ schema, document: TICK, ...args }, { authorization })) as Stream;
  /** Sends an event to all, as the feed does, and reads it from all. */
  const event = async (streams: readonly Stream[], value: unknown) => {
    for (const each of sources) each.push(value);
    return Promise.all(streams.map(async (stream) => (await stream.next()).value as ExecutionResult));
  };
  return { state, sources, open, event, subscribe, schema };
}

t.test('resolves an event once for all identical subscriptions', async (t) => {
  const { state, open, event } = setup();
  const same = await Promise.all(Array.from({ length: 500 }, () => open('one', { variableValues: { n: 1 } })));
  const results = await event(same, { id: 1 });
  t.equal(state.resolved, 1);
  t.equal(new Set(results).size, 1);
  await event(same, { id: 2 });
  t.equal(state.resolved, 2, 'the next event anew');
});

t.test('resolves an event again for a subscription that reads it after the others were served', async (t) => {
  const { state, sources, open } = setup();
  const [prompt, slow] = [await open('one'), await open('one')];
  const value = { id: 1 };
  for (const each of sources) each.push(value);
  t.match(await prompt.next(), { value: { data: { tick: 1 } } });
  state.fail = true;
  t.match(await slow.next(), { value: { errors: [{ message: 'failed' }] } }, 'its credentials may have been revoked');
});

t.test('resolves an event separately for other credentials, variables and documents', async (t) => {
  const { state, open, event } = setup();
  const streams = [
    await open('one'),
    await open('two'),
    await open('one', { variableValues: { n: 1 } }),
    await open('one', { variableValues: { n: 2 } }),
    await open('one', { document: OTHER }),
  ];
  const results = await event(streams, { id: 1 });
  t.equal(state.resolved, 5);
  t.same(Object.keys(results[4]!.data!), ['other']);
});

t.test('resolves events that are not objects for each subscription', async (t) => {
  const { state, open, event } = setup();
  await event([await open('one'), await open('one')], 7);
  t.equal(state.resolved, 2);
});

t.test('shares an error like a result', async (t) => {
  const { state, open, event } = setup();
  state.fail = true;
  const results = await event([await open('one'), await open('one')], { id: 1 });
  for (const { errors } of results) t.equal(errors?.[0]?.message, 'failed');
  t.equal(state.resolved, 1);
});

t.test('ends a stream with its source and the source with its stream, also while waiting for an event', async (t) => {
  const { sources, open } = setup();
  const stream = await open('one');
  void stream.next();
  t.same(await stream.return(), { done: true, value: undefined });
  await sources[0]!.over;
  const other = await open('one');
  await t.rejects(other.throw(new Error('given up')), { message: 'given up' });
  await sources[1]!.over;
  t.equal(stream[Symbol.asyncIterator](), stream);
});

t.test('returns the errors of graphql-js when a subscription cannot be opened', async (t) => {
  const { subscribe, schema } = setup();
  const result = await subscribe({ schema, document: parse('subscription { unknown }') }, {});
  t.match(result, { errors: [{ message: /unknown/ }] });
});
