/** The TLS parameters of DATABASE_URL, with the semantics of libpq (PostgreSQL, "SSL Support"). */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

const MODES = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'] as const;

/** `prefer`: TLS if the server offers it. `require`: TLS without verifying the certificate. */
export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface Tls {
  readonly mode: TlsMode;
  /** PEM; undefined: Node's default CAs. */
  readonly ca?: string;
  /** The client's own certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
}

type Parameters = ReadonlyMap<string, string>;
/** Throws an error with the expected value. */
type Refuse = (expected: string) => never;

const NAMES = new Set(
  (
    'ssl sslmode sslaccept sslrootcert sslcert sslkey sslpassword sslidentity sslcrl sslcrldir sslsni sslcompression ' +
    'sslnegotiation ssl_min_protocol_version ssl_max_protocol_version requiressl channel_binding'
  ).split(' '),
);

/**
 * @param local whether the server is on this machine, where TLS is off by default
 * @returns the TLS settings, and all other parameters as `rest`
 */
export function readTls(parameters: Parameters, local: boolean, refuse: Refuse): { tls: Tls; rest: Parameters } {
  const rest = new Map([...parameters].filter(([name]) => !NAMES.has(name.toLowerCase())));
  const root = parameters.get('sslrootcert');
  const mode = readMode(parameters, root, local, refuse);
  if (mode === 'disable') return { tls: { mode }, rest };
  const read = (name: string): string => readPem(name, parameters.get(name)!, refuse);
  const [cert, key] = [parameters.get('sslcert'), parameters.get('sslkey')];
  if ((cert === undefined) !== (key === undefined))
    refuse('sslcert and sslkey together, the certificate and key of this client; a CA belongs in sslrootcert');
  const passphrase = parameters.get('sslpassword');
  const tls: Tls = {
    mode,
    ...(root === undefined || root === 'system' ? {} : { ca: read('sslrootcert') }),
    ...(cert === undefined ? {} : { cert: read('sslcert'), key: read('sslkey') }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  try {
    // Node ignores an invalid CA silently.
    if (tls.ca !== undefined) new X509Certificate(tls.ca);
    createSecureContext(tls);
  } catch {
    refuse('sslrootcert, sslcert and sslkey to be PEM files that belong together');
  }
  return { tls, rest };
}

function readMode(parameters: Parameters, root: string | undefined, local: boolean, refuse: Refuse): TlsMode {
  const binding = parameters.get('channel_binding') === 'require';
  const named = nameOfMode(parameters);
  if (named !== undefined && !MODES.some((mode) => mode === named))
    return refuse(`sslmode to be one of ${MODES.join(', ')}`);
  // Verifying the certificate gives the protection that channel binding gives.
  if (binding) {
    return named === 'disable' || named === 'no-verify'
      ? refuse('channel_binding=require to be left out where sslmode turns verification off')
      : 'verify-full';
  }
  switch (named) {
    case undefined:
      if (root !== undefined) return 'verify-full';
      return local ? 'disable' : 'prefer';
    case 'allow':
      return 'prefer';
    case 'require':
      return root === undefined ? 'require' : root === 'system' ? 'verify-full' : 'verify-ca';
    case 'no-verify':
      return 'require';
    default:
      return named as TlsMode;
  }
}

/** Supports `ssl` of node-postgres and JDBC, and `sslaccept` of Prisma. */
function nameOfMode(parameters: Parameters): string | undefined {
  const accept = parameters.get('sslaccept');
  if (accept === 'accept_invalid_certs') return 'no-verify';
  if (accept === 'strict') return 'verify-full';
  const mode = parameters.get('sslmode') ?? parameters.get('ssl');
  if (mode === 'true' || mode === '1') return 'require';
  return mode === 'false' || mode === '0' ? 'disable' : mode;
}

function readPem(name: string, path: string, refuse: Refuse): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('-----BEGIN ')) return refuse(`${name} to be a PEM file, got ${path}`);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return refuse(`${name} to be a file that can be read, got ${path} (${code})`);
  }
}
