/**
 * What is taken out of everything that is logged. Errors are rebuilt from what is known to be harmless, since
 * drivers hang values on them (`params`, `detail`, `where`, Node's `rawPacket`); texts lose what looks like a secret.
 */

const REDACTED = '[redacted]';
const MAX_TEXT = 2000;
/** Much more than is kept, as texts grow shorter when secrets go; a bound on the work. */
const MAX_READ = 65_536;
const MAX_FRAMES = 30;
const MAX_CAUSES = 5;

/**
 * Credentials by their looks; each pattern takes linear time, and a quotation that never ends goes to the end of the text.
 * The last takes opaque tokens and digests: 43 characters of base64url are 256 bits.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[^\s,;"'\\]+/gi, `$1 ${REDACTED}`],
  [/\beyJ[\w-]+(?:\.[\w-]+){0,4}/g, REDACTED],
  [/\$argon2\w*\$[^\s"']+/g, REDACTED],
  [/\b(\w{1,20}:\/\/)[^\s/@]+@/g, `$1${REDACTED}@`],
  [
    /((?:password|passphrase|secret|token|cookie)\w{0,40}\\?["']?\s{0,4}[:=]\s{0,4})(?:\\?"(?:[^"\\]|\\[^]?)*(?:"|$)|'[^']*(?:'|$)|[^\s,;}&]+)/gi,
    `$1${REDACTED}`,
  ],
  [/[\w-]{43,}/g, REDACTED],
];

/** A word that none of the patterns takes: the message of most lines. */
const WORD = /^[a-z]{0,40}$/;

/** A text without what looks like a credential, and cut to length after that: half a secret may not look like one. */
export function redactText(text: string): string {
  if (WORD.test(text)) return text;
  // Between words, for the same reason.
  const read = text.length > MAX_READ ? text.slice(0, Math.max(0, text.lastIndexOf(' ', MAX_READ))) : text;
  return SECRETS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), read).slice(0, MAX_TEXT);
}

/** Names of fields that hold secrets, or all that a client sent. */
const SECRET_FIELD =
  /password|passphrase|secret|token|cookie|authorization|^(?:body|headers|params|parameters|query|variables)$/i;
const MAX_DEPTH = 4;
/** What was found of names so far; lines are made of few. */
const knownNames = new Map<string, boolean>();
const MAX_KNOWN_NAMES = 1000;

function isSecretName(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear();
  const isSecret = SECRET_FIELD.test(name);
  knownNames.set(name, isSecret);
  return isSecret;
}

/** A log line without fields that have a secret's name: the net below, for what a careless line holds. */
export function redactFields(line: Record<string, unknown>, depth = MAX_DEPTH): Record<string, unknown> {
  const redacted: Record<string, unknown> = {};
  for (const name of Object.keys(line)) {
    const value = line[name];
    redacted[name] = isSecretName(name)
      ? REDACTED
      : isPlain(value)
        ? depth > 0
          ? redactFields(value, depth - 1)
          : REDACTED
        : value;
  }
  return redacted;
}

/** Instances (requests, errors) have serializers. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** An error as it is logged. */
export type LoggedError = {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack: string;
  readonly cause?: LoggedError;
  /** Of an AggregateError. */
  readonly errors?: readonly LoggedError[];
};

/** The log's form of whatever was thrown. Of what is not an Error only its kind is told: it may be anything. */
export function serializeError(thrown: unknown): LoggedError {
  return serialize(thrown, MAX_CAUSES);
}

/** In one line, what an error says and what is at the bottom of it: `The database is away. (ECONNREFUSED)`. */
export function reasonFor(error: Error): string {
  let root = serialize(error, MAX_CAUSES);
  const { message } = root;
  if (!root.cause) return message;
  while (root.cause) root = root.cause;
  const cause = [root.code ?? root.type, root.message].filter(Boolean).join(': ');
  return redactText(`${message} (${cause})`).replace(/\s+/g, ' ');
}

function serialize(thrown: unknown, depth: number): LoggedError {
  if (!(thrown instanceof Error))
    return { type: typeof thrown, message: 'Something that is not an Error was thrown.', stack: '' };
  const type = thrown.constructor.name;
  const message = harmlessPart(thrown);
  const code = codeOf(thrown);
  return {
    type,
    message,
    ...(code === undefined ? {} : { code }),
    stack: [`${type}: ${message}`, ...frames(thrown)].join('\n'),
    ...(thrown.cause === undefined || depth === 0 ? {} : { cause: serialize(thrown.cause, depth - 1) }),
    ...(thrown instanceof AggregateError && depth > 0
      ? { errors: thrown.errors.slice(0, MAX_CAUSES).map((error) => serialize(error, 0)) }
      : {}),
  };
}

/** The message without the values that Drizzle, Postgres and V8's JSON parser put into theirs. */
function harmlessPart(error: Error): string {
  let message = error.message.replace(/\nparams: [^]*$/, '');
  // SQLSTATE class 22, data exceptions, quote the datum.
  if (/^22\w{3}$/.test(codeOf(error) ?? '')) message = message.replace(/"[^]*"/, `"${REDACTED}"`);
  return redactText(error instanceof SyntaxError ? withoutJson(message) : message);
}

/** The message of a JSON.parse error without its quotation: `Unexpected token 'x', "{x}" is not valid JSON`. */
function withoutJson(message: string): string {
  const end = message.lastIndexOf(' is not valid JSON');
  const [first, last] = [message.indexOf('"'), message.lastIndexOf('"', end)];
  if (end === -1 || first === -1 || first >= last) return message;
  return `${message.slice(0, first)}${REDACTED}${message.slice(last + 1)}`;
}

function codeOf(error: Error): string | undefined {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? redactText(String(code)) : undefined;
}

/** A stack begins with the message, which may look like frames; only what follows it is taken. */
function frames({ stack = '', message }: Error): readonly string[] {
  const start = stack.indexOf(message);
  const rest = start === -1 ? '' : stack.slice(start + message.length);
  return rest
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, MAX_FRAMES)
    .map(redactText);
}
