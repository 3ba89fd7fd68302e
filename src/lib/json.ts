/** JSON of clients, providers and settings. */

/**
 * A reviver for `JSON.parse`, as strict as the parser of bodies: no object may bring a prototype.
 * @throws SyntaxError for a member named `__proto__`
 */
export function rejectPrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new SyntaxError('An object brings a prototype.');
  return value;
}

/** A JSON object that is no array. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
