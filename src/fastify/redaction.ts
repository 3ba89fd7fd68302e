/**
 * Redacts log lines. Errors are rebuilt from an allow list of fields, because drivers attach values to them (`params`, `detail`,
 * `where`, Node's `rawPacket`). In texts, everything that looks like a secret is replaced.
 */

const REDACTED = '[redacted]';
const MAX_TEXT = 2000;
/** Bounds the work. Much larger than MAX_TEXT, because redaction shortens texts. */
const MAX_INPUT = 65_536;
const MAX_FRAMES = 30;
const MAX_CAUSES = 5;

/**
 * Patterns of credentials. Each takes linear time, and an unterminated quotation extends to the end of the text. The last
 * matches opaque tokens and digests: 43 characters of base64url are 256 bits.
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

/** A single lower-case word, such as a name of an event. It matches no pattern of a secret, so it needs no further search. */
const WORD = /^[a-z]{0,40}$/;

/** Redacts a text, then truncates it: a truncated secret may no longer match a pattern. */
export function redactText(text: string): string {
  if (WORD.test(text)) return text;
  // Cut at a space, so that no secret is split.
  const input = text.length > MAX_INPUT ? text.slice(0, Math.max(0, text.lastIndexOf(' ', MAX_INPUT))) : text;
  return SECRETS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), input).slice(0, MAX_TEXT);
}

/** Names of fields that hold secrets or client input. */
const SECRET_FIELD =
  /password|passphrase|secret|token|cookie|authorization|^(?:body|headers|params|parameters|query|variables)$/i;
const MAX_DEPTH = 4;
const MAX_CACHED_NAMES = 1000;

export type LogFields = Record<string, unknown>;

/** Redacts fields by name, in case a log call passes a secret by mistake. */
export interface FieldRedaction {
  redact(line: LogFields): LogFields;
  /** Redacts fields with these names as well, in any case. */
  add(names: readonly string[]): void;
}

export function createFieldRedaction(): FieldRedaction {
  const added = new Set<string>();
  /** Results of `isSecret`; log lines use few names. */
  const known = new Map<string, boolean>();

  function isSecret(name: string): boolean {
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= MAX_CACHED_NAMES) known.clear();
    const secret = SECRET_FIELD.test(name) || added.has(name.toLowerCase());
    known.set(name, secret);
    return secret;
  }

  function redact(line: LogFields, depth: number): LogFields {
    // Most lines have nothing to redact and are not copied.
    let redacted = line;
    for (const name of Object.keys(line)) {
      const value = line[name];
      const shown = isSecret(name) ? REDACTED : isPlain(value) ? redactNested(value, depth) : value;
      if (shown === value) continue;
      if (redacted === line) redacted = { ...line };
      redacted[name] = shown;
    }
    return redacted;
  }

  function redactNested(fields: LogFields, depth: number): LogFields | string {
    return depth > 0 ? redact(fields, depth - 1) : REDACTED;
  }

  return {
    redact: (line) => redact(line, MAX_DEPTH),
    add(names) {
      for (const name of names) added.add(name.toLowerCase());
      known.clear();
    },
  };
}

/** Class instances, such as requests and errors, have serializers instead. */
function isPlain(value: unknown): value is LogFields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The logged form of an error. */
export type LoggedError = {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack: string;
  readonly cause?: LoggedError;
  /** Of an AggregateError. */
  readonly errors?: readonly LoggedError[];
};

/** Serializes a thrown value for the log. Other values than errors may contain anything, so only their type is logged. */
export function serializeError(thrown: unknown): LoggedError {
  return serialize(thrown, MAX_CAUSES);
}

/** The message of an error and its root cause in one line: `The database is not available. (ECONNREFUSED)`. */
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
  const message = redactMessage(thrown);
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

/** Removes the values that Drizzle, Postgres and V8's JSON parser add to messages. */
function redactMessage(error: Error): string {
  let message = error.message.replace(/\nparams: [^]*$/, '');
  // Data exceptions (SQLSTATE class 22) quote the value.
  if (/^22\w{3}$/.test(codeOf(error) ?? '')) message = message.replace(/"[^]*"/, `"${REDACTED}"`);
  return redactText(error instanceof SyntaxError ? withoutJson(message) : message);
}

/** Removes the quoted input from an error of JSON.parse: `Unexpected token 'x', "{x}" is not valid JSON`. */
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

/** The stack frames after the message, which itself may look like frames. */
function frames({ stack = '', message }: Error): readonly string[] {
  const start = stack.indexOf(message);
  const rest = start === -1 ? '' : stack.slice(start + message.length);
  return rest
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, MAX_FRAMES)
    .map(redactText);
}
