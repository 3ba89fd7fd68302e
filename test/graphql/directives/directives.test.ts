import { buildSchema, execute, parse, subscribe, type GraphQLSchema } from 'graphql';
import t from 'tap';
import type { AccountPrincipal } from '../../../src/authn/strategy.js';
import { AppError } from '../../../src/lib/errors.js';
import { createContext } from '../../../src/graphql/context.js';
import { enforceDirectives } from '../../../src/graphql/directives/directives.js';
import { servicePrincipal, userPrincipal } from '../../helpers/principal.js';
import type { Services } from '../../../src/graphql/resolvers/services.js';

const DIRECTIVES = `
  directive @public on FIELD_DEFINITION
  directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE
  directive @requiresScopes(scopes: [[Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE
  directive @requiresSession on FIELD_DEFINITION
  directive @requiresRecentLogin(within: String! = "15m") on FIELD_DEFINITION
  directive @rateLimit(max: Int!, window: String!, by: [RateLimitKey!]! = [IP]) on FIELD_DEFINITION
  enum RateLimitKey { IP PRINCIPAL }
  scalar Scope
`;
const SDL = `${DIRECTIVES}
  type Query {
    open: String @public
    mine: String @authenticated
    either: String @requiresScopes(scopes: [["a", "b"], ["c"]])
    vault: Vault @public
    node: Node @public
    named: Named @public
    either2: Either @public
    thing: Thing @public
    own: String @requiresSession
    recent: String @requiresRecentLogin
    veryRecent: String @requiresRecentLogin(within: "1m")
    limited: Int @public @rateLimit(max: 2, window: "1m")
    limitedMine: Int @public @rateLimit(max: 2, window: "1m", by: [PRINCIPAL])
    limitedVault: Int @requiresScopes(scopes: [["c"]]) @rateLimit(max: 2, window: "1m")
  }
  type Vault @requiresScopes(scopes: [["c"]]) { gold: String silver: String @requiresScopes(scopes: [["a"]]) }
  interface Node @authenticated { id: ID }
  type Leaf implements Node { id: ID }
  interface Named { name: String @requiresScopes(scopes: [["a"]]) plain: String }
  type Person implements Named { name: String plain: String }
  union Either = Vault | Plain
  type Plain { text: String }
  type Thing { part: String secret: String @authenticated }
  type Subscription {
    ticks: Int @requiresScopes(scopes: [["a"]])
    anyone: Int @public
  }
`;
const NOW = 3_600_000;
const KNOWN = new Set(['a', 'b', 'c']);

function build(sdl = SDL, rates = new Map()): GraphQLSchema {
  return enforceDirectives(buildSchema(sdl), { knownScopes: KNOWN, rates });
}

const ROOT = {
  open: 'open',
  mine: 'mine',
  own: 'own',
  recent: 'recent',
  veryRecent: 'very recent',
  either: 'either',
  vault: { __typename: 'Vault', gold: 'gold', silver: 'silver' },
  node: { __typename: 'Leaf', id: '1' },
  named: { __typename: 'Person', name: 'Ada', plain: 'plain' },
  either2: { __typename: 'Vault', gold: 'gold' },
  thing: { part: 'part', secret: 'secret' },
  limited: 1,
  limitedMine: 1,
  limitedVault: 1,
};

/** A context whose caller has `scopes`; undefined for an anonymous caller. `charges` records the counted executions. */
function contextOf(scopes: string[] | AccountPrincipal | undefined, charges: string[] = [], id = 'u') {
  const counts = new Map<string, number>();
  return createContext({
    client: { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null },
    cookie: { read: () => undefined, assertAllowed: () => undefined, set: () => undefined, clear: () => undefined },
    clock: { now: () => NOW },
    services: {
      stepUpMethods: async () => ['PASSWORD'],
      rateLimits: {
        async charge(key: string, { max }: { max: number }) {
          charges.push(key);
          counts.set(key, (counts.get(key) ?? 0) + 1);
          if (counts.get(key)! > max) throw new AppError('RATE_LIMIT_EXCEEDED', 'no', { retryAfter: 1 });
        },
      },
    } as unknown as Services,
    async authenticate() {
      if (!scopes) throw new AppError('MISSING_TOKEN', 'no');
      return Array.isArray(scopes) ? userPrincipal({ id, scopes }) : scopes;
    },
  });
}

async function ask(query: string, scopes?: string[] | AccountPrincipal, charges?: string[]) {
  const schema = build();
  const result = await execute({
    schema,
    document: parse(query),
    rootValue: ROOT,
    contextValue: contextOf(scopes, charges),
  });
  const codes = (result.errors ?? []).map(
    (error) => `${error.path?.join('.')} ${(error.originalError as AppError).code}`,
  );
  return { data: JSON.parse(JSON.stringify(result.data ?? null)) as Record<string, unknown> | null, codes };
}

t.test('serves public fields without credentials, and refuses others without affecting their siblings', async (t) => {
  t.same(await ask('{ open mine either }'), {
    data: { open: 'open', mine: null, either: null },
    codes: ['mine MISSING_TOKEN', 'either MISSING_TOKEN'],
  });
});

t.test('requires all scopes of any one group', async (t) => {
  t.same((await ask('{ either }', ['a'])).codes, ['either INSUFFICIENT_PERMISSIONS']);
  t.same((await ask('{ either }', ['a', 'b'])).data, { either: 'either' });
  t.same((await ask('{ either }', ['c'])).data, { either: 'either' });
});

const strangers: readonly (readonly [string, AccountPrincipal])[] = [
  ['an API key', userPrincipal({ kind: 'api-key' })],
  ['an OAuth token', userPrincipal({ kind: 'oauth' })],
  ['a service account', servicePrincipal()],
];

t.test('@authenticated admits every kind of credential, @requiresSession only the own session', async (t) => {
  for (const [, principal] of strangers) {
    t.same(await ask('{ mine own }', principal), {
      data: { mine: 'mine', own: null },
      codes: ['own INSUFFICIENT_PERMISSIONS'],
    });
  }
  t.same((await ask('{ mine own }', [])).data, { mine: 'mine', own: 'own' });
  t.same((await ask('{ own }')).codes, ['own MISSING_TOKEN']);
});

t.test('@requiresRecentLogin asks for a step-up once the login is older', async (t) => {
  const after = async (minutes: number) =>
    (await ask('{ recent veryRecent }', userPrincipal({ authenticatedAt: NOW - minutes * 60_000 }))).codes;
  t.same(await after(0.9), []);
  t.same(await after(1), ['veryRecent STEP_UP_REQUIRED']);
  t.same(await after(15), ['recent STEP_UP_REQUIRED', 'veryRecent STEP_UP_REQUIRED']);
});

t.test('@requiresRecentLogin refuses every credential but the own session', async (t) => {
  for (const [, principal] of strangers)
    t.same((await ask('{ recent }', principal)).codes, ['recent INSUFFICIENT_PERMISSIONS']);
  t.same((await ask('{ recent }')).codes, ['recent MISSING_TOKEN']);
});

t.test('refuses a @requiresRecentLogin whose time is not a duration', async (t) => {
  const sdl = SDL.replace('within: "1m"', 'within: "soon"');
  t.throws(() => build(sdl), { message: /Query.veryRecent has a @requiresRecentLogin whose time is not a duration/ });
});

t.test(
  "applies the gate of an object to every field of it, __typename included, in addition to the field's own",
  async (t) => {
    t.same((await ask('{ vault { __typename } }', ['a'])).codes, ['vault INSUFFICIENT_PERMISSIONS']);
    t.same(await ask('{ vault { gold silver } }', ['c']), {
      data: { vault: { gold: 'gold', silver: null } },
      codes: ['vault.silver INSUFFICIENT_PERMISSIONS'],
    });
    t.same((await ask('{ vault { gold silver } }', ['a', 'c'])).codes, []);
  },
);

t.test('applies the gate of an interface to its implementations, through fragments and aliases', async (t) => {
  t.same((await ask('{ node { id } }')).codes, ['node MISSING_TOKEN']);
  t.same((await ask('{ n: node { ... on Leaf { x: id } } }')).codes, ['n MISSING_TOKEN']);
  t.same((await ask('{ node { id } }', [])).data, { node: { id: '1' } });
});

t.test("applies the gate of an interface's field to the implementing field", async (t) => {
  t.same(await ask('{ named { name plain } }', ['b']), {
    data: { named: { name: null, plain: 'plain' } },
    codes: ['named.name INSUFFICIENT_PERMISSIONS'],
  });
});

t.test('hides the type name of a gated member of a union', async (t) => {
  t.same(await ask('{ either2 { __typename } }', ['a']), {
    data: { either2: null },
    codes: ['either2 INSUFFICIENT_PERMISSIONS'],
  });
  t.same((await ask('{ either2 { __typename } }', ['c'])).data, { either2: { __typename: 'Vault' } });
});

t.test('refuses a gated field without affecting its siblings', async (t) => {
  t.same(await ask('{ thing { part secret } }'), {
    data: { thing: { part: 'part', secret: null } },
    codes: ['thing.secret MISSING_TOKEN'],
  });
});

t.test('charges each execution of a limited field, aliases included', async (t) => {
  const charges: string[] = [];
  const { data, codes } = await ask('{ a: limited b: limited c: limited }', undefined, charges);
  t.same(charges, Array(3).fill('Query.limited|192.0.2.1'));
  t.same([data, codes], [{ a: 1, b: 1, c: null }, ['c RATE_LIMIT_EXCEEDED']]);
});

t.test('does not charge a caller that the gate refuses', async (t) => {
  const charges: string[] = [];
  t.same((await ask('{ limitedVault }', undefined, charges)).codes, ['limitedVault MISSING_TOKEN']);
  t.same((await ask('{ limitedVault }', ['a'], charges)).codes, ['limitedVault INSUFFICIENT_PERMISSIONS']);
  t.same(charges, []);
  t.same((await ask('{ limitedVault }', ['c'], charges)).codes, []);
  t.same(charges, ['Query.limitedVault|192.0.2.1']);
});

t.test('counts a limit by PRINCIPAL by account, and by network without credentials', async (t) => {
  const charges: string[] = [];
  await ask('{ limitedMine }', undefined, charges);
  await ask('{ limitedMine }', ['a'], charges);
  t.same(charges, ['Query.limitedMine|192.0.2.1', 'Query.limitedMine|u']);
});

t.test('overrides the rate of a field by configuration', async (t) => {
  const schema = build(SDL, new Map([['limited', { max: 1, windowMs: 1000 }]]));
  const { errors } = await execute({
    schema,
    document: parse('{ a: limited b: limited }'),
    rootValue: ROOT,
    contextValue: contextOf(undefined),
  });
  t.same(
    errors?.map(({ path }) => path),
    [['b']],
  );
});

t.test('checks the gate of a subscription when it opens and again for each event', async (t) => {
  async function* ticks() {
    yield { ticks: 1, anyone: 1 };
    yield { ticks: 2, anyone: 2 };
  }
  const schema = buildSchema(SDL);
  for (const field of Object.values(schema.getSubscriptionType()!.getFields())) field.subscribe = ticks;
  enforceDirectives(schema, { knownScopes: KNOWN, rates: new Map() });
  const document = parse('subscription { ticks }');

  const refused = await subscribe({ schema, document, contextValue: contextOf([]) });
  t.match(refused, { errors: [{ originalError: { code: 'INSUFFICIENT_PERMISSIONS' } }] }, 'it does not open');

  const scopes = ['a'];
  const context = { ...contextOf(scopes), authenticate: async () => ({ scopes: new Set(scopes) }) };
  const stream = (await subscribe({ schema, document, contextValue: context })) as AsyncGenerator<{
    data: unknown;
    errors?: unknown[];
  }>;
  t.same((await stream.next()).value.data, { ticks: 1 });
  scopes.length = 0;
  const { value } = await stream.next();
  t.match(value, { data: { ticks: null }, errors: [{ originalError: { code: 'INSUFFICIENT_PERMISSIONS' } }] });

  const open = (await subscribe({
    schema,
    document: parse('subscription { anyone }'),
    contextValue: contextOf(undefined),
  })) as AsyncGenerator;
  t.match(await open.next(), { value: { data: { anyone: 1 } } });
});

t.test('refuses a schema with ungated root fields, and names every error', async (t) => {
  const faulty = `${DIRECTIVES}
    type Query { bare: String both: String @public @authenticated odd: String @requiresScopes(scopes: [["typo"]]) }
    type Mutation { bare: Int slow: Int @public @rateLimit(max: 1, window: "soon") }
    type Subscription { bare: Int }
    type Vault @requiresScopes(scopes: [["nobody"]]) { gold: Int }
  `;
  t.throws(() => build(faulty, new Map([['bare', { max: 1, windowMs: 1000 }]])), {
    message: new RegExp(
      [
        'Query.bare carries none',
        'Query.both is @public and gated',
        'Mutation.bare carries none',
        'Subscription.bare carries none',
        'Query.odd requires the unknown scope typo',
        'Vault requires the unknown scope nobody',
        'Mutation.slow has a @rateLimit whose window',
        'RATE_LIMIT_FIELDS names bare',
      ].join('[^]*'),
    ),
  });
  t.throws(() => build('type Query { a: Int }'), /does not define @public/);
  t.throws(
    () => build(SDL.replace(/directive @rateLimit.*\n/, '').replace(/ @rateLimit\([^)]*\)/g, '')),
    /does not define @rateLimit/,
  );
});

t.test('fails when a field without a gate reads the principal', async (t) => {
  t.throws(() => contextOf([]).principal(), { code: 'INTERNAL_ERROR' });
});
