/** Checks combinations of settings: rejects unsafe ones and warns about risky ones. */
import type { ParsedConfig } from './config.js';
import { originOf } from './readers.js';
import { relyingPartyIssue, relyingPartyWarning, type RelyingPartySettings } from './relying-party.js';

type Report = (name: string, expected: string, fallback: undefined) => undefined;

/** Minimum argon2id parameters (OWASP Password Storage Cheat Sheet). */
const ARGON2_MINIMA = [
  { memoryKib: 47_104, timeCost: 1 },
  { memoryKib: 19_456, timeCost: 2 },
  { memoryKib: 12_288, timeCost: 3 },
  { memoryKib: 9_216, timeCost: 4 },
  { memoryKib: 7_168, timeCost: 5 },
] as const;
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** @returns warnings, each starting with the setting's name */
export function checkCombinations(config: ParsedConfig, report: Report): string[] {
  const { memoryKib, timeCost, parallelism } = config.argon2;
  // RFC 9106 section 3.1: each lane needs 8 KiB.
  if (memoryKib < 8 * parallelism) report('ARGON2_MEMORY_KIB', 'at least 8 times ARGON2_PARALLELISM', undefined);
  if (config.databaseListenUrl !== undefined && config.databaseUrl === undefined)
    report('DATABASE_LISTEN_URL', 'to be set with DATABASE_URL; the embedded database needs neither', undefined);
  if (config.metrics.port !== undefined && config.metrics.port !== 0 && config.metrics.port === config.port)
    report('METRICS_PORT', 'a port other than PORT', undefined);
  if (config.plex.acceptTokens === 'true' && config.plex.serverId === undefined)
    report(
      'PLEX_ACCEPT_TOKENS',
      'PLEX_SERVER_ID to be set, or any-application: Plex tokens are not bound to an application, so each one that its owner uses anywhere signs in',
      undefined,
    );
  const { serverId, serverOwnerId } = config.plex;
  if (serverOwnerId !== undefined && (serverId === undefined || !/^[1-9]\d{0,15}$/.test(serverOwnerId)))
    report('PLEX_SERVER_OWNER_ID', 'the number of a Plex account, with PLEX_SERVER_ID', undefined);
  const relyingParty = relyingPartySettings(config);
  const issue = relyingPartyIssue(relyingParty);
  if (issue) report(issue.name, issue.expected, undefined);
  if (!config.production) {
    return WILDCARDS.includes(config.host)
      ? ['HOST listens on all addresses in development mode; set NODE_ENV=production, or HOST=127.0.0.1']
      : [];
  }
  if (!ARGON2_MINIMA.some((minimum) => memoryKib >= minimum.memoryKib && timeCost >= minimum.timeCost)) {
    const pairs = ARGON2_MINIMA.map((minimum) => `${minimum.memoryKib}/${minimum.timeCost}`).join(', ');
    report('ARGON2_MEMORY_KIB', `with ARGON2_TIME_COST, in production, at least one of ${pairs} (OWASP)`, undefined);
  }
  for (const [name, url] of [
    ['PUBLIC_URL', config.publicUrl],
    ['APP_URL', config.mail.appUrl],
  ] as const) {
    if (url !== undefined && isPlain('http:', url))
      report(name, 'https:// in production; http:// only for loopback', undefined);
  }
  for (const [name, origins] of [
    ['WEBAUTHN_ORIGINS', config.webauthn.origins],
    ['RETURN_TO_ORIGINS', config.identities.returnToOrigins],
  ] as const) {
    if (origins.some((origin) => isPlain('http:', origin)))
      report(name, 'https:// in production; http:// only for loopback', undefined);
  }
  const warnings: string[] = [];
  const warning = issue ? undefined : relyingPartyWarning(relyingParty);
  if (warning !== undefined) warnings.push(warning);
  if (config.databaseUrl === undefined)
    warnings.push('DATABASE_URL is not set; the embedded database serves one process only and needs its own backup');
  if (config.metrics.port === undefined && config.metrics.token === undefined)
    warnings.push('METRICS_TOKEN and METRICS_PORT are not set; anyone who can reach this port can read /metrics');
  if (config.redis.url !== undefined && isPlain('redis:', config.redis.url))
    warnings.push('REDIS_URL is not encrypted on its way to another host; use rediss://');
  return warnings;
}

/** The settings of passkeys. An invalid URL is reported as such, and stands for the listening address here. */
function relyingPartySettings({ webauthn, publicUrl, mail, host, port }: ParsedConfig): RelyingPartySettings {
  const origins = webauthn.origins.filter((origin) => URL.canParse(origin));
  return { ...webauthn, origins, publicUrl: publicUrl ?? originOf(host, port)!, appUrl: mail.appUrl };
}

/** Whether a URL uses a protocol without TLS to another host. */
function isPlain(plain: string, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === plain && !LOOPBACK.test(hostname);
}
