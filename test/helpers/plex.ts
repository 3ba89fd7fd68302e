/**
 * A stand-in for plex.tv on loopback, built from its documented answers (forums.plex.tv/t/authenticating-with-plex/609370,
 * plexapi.dev): PINs, accounts and resources. Plex offers no test environment. Like plex.tv, it requires a client identifier, answers
 * XML to requests that do not accept JSON, shows PINs only to the identifier that made them, and limits polls to one a second.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PLEX_FETCH_LIMITS } from '../../src/identities/providers/plex-api.js';
import type { Clock } from '../../src/lib/clock.js';
import { createGuardedFetch, type GuardedFetch } from '../../src/lib/guarded-fetch.js';
import type { TestScope } from './app.js';

export type PlexRoute = 'POST pins' | 'GET pins' | 'GET user' | 'GET resources';
type Json = Readonly<Record<string, unknown>>;

/** Replaces the answer of a route. @param body what the route would answer */
export type Misbehaviour = (response: ServerResponse, body: unknown) => void;

const json = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
const plexError = (status: number, code: number, message: string) => ({ errors: [{ code, message, status }] });
const text = (status: number, type: string, body: string): Misbehaviour => {
  return (response) => void response.writeHead(status, { 'content-type': type }).end(body);
};

/** The usual answer, an object, with other members. `undefined` leaves one out. */
export function changed(members: Json): Misbehaviour {
  return (response, body) => json(response, 200, Object.assign({}, body, members));
}

/** Answers that say nothing about a token or a PIN. */
export const NONSENSE = {
  'bad request': (response) => json(response, 400, plexError(400, 1000, 'X-Plex-Client-Identifier is missing')),
  forbidden: (response) => json(response, 403, plexError(403, 1002, 'Forbidden')),
  'too many requests': (response) => json(response, 429, plexError(429, 1003, 'API rate limit exceeded')),
  'server error': (response) => json(response, 500, plexError(500, 1000, 'Internal error')),
  'HTML with status 503': text(503, 'text/html', '<html><title>Maintenance</title></html>'),
  'HTML with status 200': text(200, 'text/html', '<html><title>Welcome</title></html>'),
  'error with a valid answer': (response, body) => json(response, 503, body),
  'text instead of JSON': (response, body) => void response.end(Object(body).authToken ?? 'text'),
  'empty answer': text(200, 'application/json', ''),
  'no content': (response) => void response.writeHead(204).end(),
  'JSON null': text(200, 'application/json', 'null'),
  'JSON number': text(200, 'application/json', '1'),
  'JSON string': text(200, 'application/json', '"authToken"'),
  'truncated JSON': (response, body) => void response.end(JSON.stringify(body).slice(0, -1)),
  'JSON of two megabytes': (response, body) =>
    void response.end(JSON.stringify(body).slice(0, 1) + ' '.repeat(2_097_152) + JSON.stringify(body).slice(1)),
  'redirect to a valid answer': (response, body) =>
    void response.writeHead(302, { location: `/elsewhere?${encodeURIComponent(JSON.stringify(body))}` }).end(),
  'connection closed': (response) => void response.destroy(),
  'connection closed within the answer': (response, body) => {
    response.writeHead(200, { 'content-length': '100000' }).write(JSON.stringify(body), () => response.destroy());
  },
} satisfies Readonly<Record<string, Misbehaviour>>;

/** A free account with a confirmed email address, as `GET /api/v2/user` answers it, without parts that no client reads. */
export const ACCOUNT = {
  id: 23_248_710,
  uuid: '92cce1364617c640',
  username: 'ada.plex',
  title: 'Ada L.',
  email: 'ada@mail.test',
  friendlyName: 'Ada',
  locale: null,
  confirmed: true,
  joinedAt: 1_670_069_949,
  emailOnlyAuth: false,
  hasPassword: true,
  protected: false,
  thumb: 'https://plex.tv/users/92cce1364617c640/avatar?c=1670069949',
  mailingListStatus: 'active',
  subscription: { active: false, subscribedAt: null, status: 'Inactive', plan: null, features: [] },
  restricted: false,
  anonymous: false,
  home: false,
  guest: false,
  homeSize: 1,
  services: [],
  roles: [],
} as const satisfies Json;

/** A managed account of a Plex Home. */
export const MANAGED = {
  ...ACCOUNT,
  id: 23_248_711,
  username: '',
  title: 'Kid',
  email: '',
  restricted: true,
  home: true,
};

/** A server that its owner, account 31, shares with the account, as `GET /api/v2/resources` answers it. */
export const SERVER = {
  name: 'Cinema',
  product: 'Plex Media Server',
  productVersion: '1.41.0.8994',
  platform: 'Linux',
  device: 'PC',
  clientIdentifier: '0123456789abcdef0123456789abcdef01234567',
  createdAt: '2024-04-28T01:23:13Z',
  lastSeenAt: '2026-02-01T17:28:02Z',
  provides: 'server',
  ownerId: 31,
  sourceTitle: 'owner',
  publicAddress: '203.0.113.5',
  accessToken: 'CR3nxzsaSHdWx-WwZsJL',
  owned: false,
  home: false,
  presence: true,
  httpsRequired: true,
  connections: [{ protocol: 'https', address: '203.0.113.5', port: 32_400, local: false, relay: false, IPv6: false }],
} as const satisfies Json;

/** A phone that the account owns. */
export const PLAYER = {
  ...SERVER,
  name: 'Phone',
  product: 'Plex for iOS',
  clientIdentifier: 'phone-1',
  provides: 'client,player,pubsub-player',
  ownerId: null,
  owned: true,
};

interface Pin {
  readonly code: string;
  readonly clientIdentifier: string;
  readonly expiresAt: number;
  token: string | null;
  /** Polls that still show it unclaimed. */
  hidden: number;
  polledAt: number;
}

/** What plex.tv knows of a token. */
interface Login {
  readonly account: Json;
  readonly resources: readonly Json[];
}

const PIN_TTL_MS = 1_800_000;
/** The hosts of Plex's API and their routes. */
const HOSTS: Readonly<Record<string, RegExp>> = {
  'https://plex.tv': /^\/api\/v2\/(?:pins|user)/,
  'https://clients.plex.tv': /^\/api\/v2\/resources$/,
};

/** Starts the stand-in. @param clock decides when PINs expire and may be polled again */
export async function startPlexTv(t: TestScope, clock: Clock) {
  const pins = new Map<string, Pin>();
  const logins = new Map<string, Login>();
  const requests: { readonly route: string; readonly headers: IncomingMessage['headers'] }[] = [];
  const misbehaviours = new Map<PlexRoute, Misbehaviour>();
  const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

  function pinBody(id: string, { code, clientIdentifier, expiresAt, token }: Pin, product: unknown) {
    return {
      id: Number(id),
      code,
      product,
      trusted: false,
      qr: `https://plex.tv/api/v2/pins/qr/${code}`,
      clientIdentifier,
      location: { code: 'NL', country: 'Netherlands' },
      expiresIn: Math.floor((expiresAt - clock.now()) / 1000),
      createdAt: iso(expiresAt - PIN_TTL_MS),
      expiresAt: iso(expiresAt),
      authToken: token,
      newRegistration: null,
    };
  }

  function makePin(clientIdentifier: string, strong: boolean, product: unknown) {
    const id = String(randomInt(1e9, 2e9));
    const code = strong ? randomBytes(13).toString('hex').slice(0, 25) : 'AB12';
    const pin = {
      code,
      clientIdentifier,
      expiresAt: clock.now() + PIN_TTL_MS,
      token: null,
      hidden: 0,
      polledAt: -Infinity,
    };
    pins.set(id, pin);
    return [201, pinBody(id, pin, product)] as const;
  }

  function pollPin(id: string, clientIdentifier: string) {
    const pin = pins.get(id);
    if (!pin || pin.clientIdentifier !== clientIdentifier || clock.now() >= pin.expiresAt)
      return [404, plexError(404, 1020, 'Code not found or expired')] as const;
    if (clock.now() - pin.polledAt < 1000) return [429, plexError(429, 1003, 'API rate limit exceeded')] as const;
    pin.polledAt = clock.now();
    pin.hidden -= 1;
    return [200, pinBody(id, pin.hidden >= 0 ? { ...pin, token: null } : pin, null)] as const;
  }

  function answer({ method, url, headers }: IncomingMessage): readonly [number, unknown, PlexRoute?] {
    const { pathname, searchParams } = new URL(url!, 'https://plex.tv');
    if (pathname === '/elsewhere') return [200, JSON.parse(decodeURIComponent(url!.slice('/elsewhere?'.length)))];
    const clientIdentifier = headers['x-plex-client-identifier'];
    if (typeof clientIdentifier !== 'string') return [400, plexError(400, 1000, 'X-Plex-Client-Identifier is missing')];
    if (method === 'POST' && pathname === '/api/v2/pins')
      return [
        ...makePin(clientIdentifier, searchParams.get('strong') === 'true', headers['x-plex-product']),
        'POST pins',
      ];
    const pinId = /^\/api\/v2\/pins\/(\d+)$/.exec(pathname)?.[1];
    if (method === 'GET' && pinId !== undefined) return [...pollPin(pinId, clientIdentifier), 'GET pins'];
    const route = ({ '/api/v2/user': 'GET user', '/api/v2/resources': 'GET resources' } as const)[pathname];
    if (method !== 'GET' || route === undefined) return [404, plexError(404, 1002, 'Not found')];
    const login = logins.get(String(headers['x-plex-token']));
    if (!login) return [401, plexError(401, 1001, 'User could not be authenticated'), route];
    return [200, route === 'GET user' ? login.account : login.resources, route];
  }

  const server = createServer((request, response) => {
    requests.push({ route: `${request.method} ${request.url}`, headers: request.headers });
    const [status, body, route] = answer(request);
    const misbehaviour = route && misbehaviours.get(route);
    if (misbehaviour) misbehaviour(response, body);
    else if (request.headers.accept?.includes('application/json')) json(response, status, body);
    else response.writeHead(status, { 'content-type': 'application/xml' }).end('<?xml version="1.0"?><response/>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const guarded = createGuardedFetch({ ...PLEX_FETCH_LIMITS, allowLoopback: true });
  const plexFetch: GuardedFetch = async (address, init) => {
    const { origin, pathname, search } = new URL(address);
    if (origin !== url && HOSTS[origin]?.test(pathname) !== true)
      throw new Error(`${address} is not part of the API of Plex.`);
    return guarded(`${url}${pathname}${search}`, init);
  };

  function login(
    account: Json = ACCOUNT,
    resources: readonly Json[] = [PLAYER, SERVER],
    token = randomBytes(15).toString('base64url'),
  ): string {
    logins.set(token, { account, resources });
    return token;
  }

  return {
    url,
    /** Sends requests for the hosts of Plex to the stand-in. */
    fetch: plexFetch,
    /** All requests so far. */
    requests,
    /** A token of an account, as any of Plex's applications has one. */
    login,
    /** Answers requests to a route in another way from now on. */
    misbehave: (route: PlexRoute, misbehaviour: Misbehaviour) => void misbehaviours.set(route, misbehaviour),
    behave: () => misbehaviours.clear(),
    /**
     * Signs in at the page of Plex in a browser.
     * @param page the address at app.plex.tv
     * @param token of the account, as `login` returns it; null if the person goes back without signing in
     * @param hiddenPolls how many polls do not show yet that the PIN is claimed
     * @returns the address to which the browser goes
     */
    signIn(page: string, token: string | null = login(), hiddenPolls = 0): string {
      const parameters = new URLSearchParams(page.slice('https://app.plex.tv/auth#?'.length));
      const pin = [...pins.values()].find(({ code }) => code === parameters.get('code'));
      if (!pin || pin.clientIdentifier !== parameters.get('clientID')) throw new Error('The page shows an error.');
      Object.assign(pin, { token, hidden: hiddenPolls });
      return parameters.get('forwardUrl')!;
    },
  };
}

export type PlexTv = Awaited<ReturnType<typeof startPlexTv>>;
