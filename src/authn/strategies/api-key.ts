/**
 * An API key of an account or a service account, as `X-API-Key` or as a bearer token. Key and owner are read from the database for
 * each request, so that a revocation, a disabling or a demotion takes effect with the next one. A malformed key is refused without
 * a read.
 */
import type { PresentedKey } from '../../api-keys/api-key.js';
import { isSameHash, type ApiKeyFormat, type ParsedApiKey } from '../../api-keys/format.js';
import type { LoadApiKey } from '../../api-keys/loader.js';
import { isInNetworks } from '../../api-keys/networks.js';
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { Clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import { accountDisabled } from '../../sessions/replays.js';
import { bearerToken } from '../bearer.js';
import type { AccountPrincipal, Strategy } from '../strategy.js';

export interface ApiKeyStrategyOptions {
  readonly format: ApiKeyFormat;
  readonly readKey: LoadApiKey;
  /** Called with each key that is used. */
  readonly noteUse: (key: Pick<PresentedKey['key'], 'id' | 'lastUsedAt'>) => void;
  readonly scopes: ScopeCatalogue;
  readonly secondFactorPolicy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly clock: Clock;
}

/** The subject of a key, and the scopes that it has at this moment. */
type Owner = Pick<AccountPrincipal, 'subject' | 'mustEnroll'> & { readonly granted: ReadonlySet<string> };

/**
 * Refuses with INVALID_API_KEY for every reason that lies in the key; with USER_NOT_FOUND or ACCOUNT_DISABLED, as sessions do, if the
 * key is right and its owner may not use it.
 */
export function createApiKeyStrategy(options: ApiKeyStrategyOptions): Strategy {
  const { format, readKey, noteUse, scopes, secondFactorPolicy, clock } = options;

  function ownerOf({ key, account, serviceAccount }: PresentedKey): Owner {
    if (serviceAccount) {
      if (serviceAccount.disabledAt) throw accountDisabled();
      const granted = serviceAccount.scopes.filter((scope) => scopes.all.has(scope));
      return { subject: { kind: 'service-account', id: serviceAccount.id }, granted: new Set(granted) };
    }
    if (!account || account.deletedAt) throw new AppError('USER_NOT_FOUND', 'The account of the key does not exist.');
    // Checked before the revocation, which the disabling caused.
    if (account.disabledAt && !(key.revokedAt && key.revokedAt < account.disabledAt)) throw accountDisabled();
    const mustEnroll = secondFactorPolicy.mustEnroll(account);
    const granted = new Set(mustEnroll ? [] : scopes.granted(account.role));
    return { subject: { kind: 'user', user: account }, mustEnroll, granted };
  }

  return {
    kind: 'api-key',
    headers: ['authorization', 'x-api-key'],
    find({ authorization, 'x-api-key': key }) {
      if (key !== undefined) return key;
      const token = bearerToken(authorization);
      return token !== undefined && format.isApiKey(token) ? token : undefined;
    },

    async authenticate(text, ipAddress) {
      const parsed = format.parse(text);
      const found = parsed && (await readKey(parsed.id));
      const now = clock.now();
      const expiresAt = found && expiryOf(found.key, parsed);
      if (!found || expiresAt === undefined || expiresAt <= now || !isInNetworks(ipAddress, found.key.networks))
        throw invalidApiKey();
      const { granted, ...owner } = ownerOf(found);
      const { key } = found;
      if (key.revokedAt) throw invalidApiKey();
      noteUse(key);
      return {
        ...owner,
        credential: { kind: 'api-key', id: key.id, expiresAt },
        scopes: new Set(key.scopes.filter((scope) => granted.has(scope))),
        authenticatedAt: null,
        methods: [],
      };
    },
  };
}

/** When the presented secret expires, in milliseconds; undefined for a wrong one. The former secret expires with its overlap. */
function expiryOf(
  { secretHash, previousHash, previousUntil, expiresAt }: PresentedKey['key'],
  presented: ParsedApiKey,
) {
  const end = expiresAt?.getTime() ?? Infinity;
  // Compares both in any case, so that the time does not tell them apart.
  const [isCurrent, isPrevious] = [secretHash, previousHash].map((hash) => isSameHash(presented.secretHash, hash));
  if (isCurrent) return end;
  return isPrevious ? Math.min(end, previousUntil?.getTime() ?? 0) : undefined;
}

/** The same for every reason. */
function invalidApiKey(): AppError {
  return new AppError('INVALID_API_KEY', 'The API key is not valid.');
}
