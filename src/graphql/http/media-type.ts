/** Negotiates the media type of a response (GraphQL over HTTP, "Media Types"). */

export const GRAPHQL_RESPONSE = 'application/graphql-response+json';
export const JSON_RESPONSE = 'application/json';
export type ResponseType = typeof GRAPHQL_RESPONSE | typeof JSON_RESPONSE;

interface Range {
  readonly name: string;
  /** 0 excludes the type. */
  readonly quality: number;
}

/** More than clients send. */
const MAX_RANGES = 20;
/** RFC 9110, section 12.4.2. */
const QUALITY = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * The type that an Accept header prefers (RFC 9110 section 12.5.1); undefined if it accepts neither. A missing header, and a wildcard
 * without `application/graphql-response+json`, select JSON.
 */
export function negotiate(accept: string | undefined): ResponseType | undefined {
  if (!accept?.trim()) return JSON_RESPONSE;
  const ranges = accept.split(',', MAX_RANGES).map(parseRange);
  const json = qualityOf(JSON_RESPONSE, ranges);
  const graphql = qualityOf(GRAPHQL_RESPONSE, ranges);
  if (json === 0 && graphql === 0) return undefined;
  const named = ranges.some(({ name }) => name === GRAPHQL_RESPONSE);
  return graphql > json || (graphql === json && named) ? GRAPHQL_RESPONSE : JSON_RESPONSE;
}

/** The weight of the most specific matching range. */
function qualityOf(type: ResponseType, ranges: readonly Range[]): number {
  for (const pattern of [type, 'application/*', '*/*']) {
    const range = ranges.find(({ name }) => name === pattern);
    if (range) return range.quality;
  }
  return 0;
}

function parseRange(range: string): Range {
  const [name = '', ...parameters] = range
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const valueOf = (parameter: string) =>
    parameters.find((text) => text.startsWith(`${parameter}=`))?.slice(parameter.length + 1);
  const charset = valueOf('charset') ?? 'utf-8';
  const quality = valueOf('q') ?? '1';
  const acceptable = /^"?utf-?8"?$/.test(charset) && QUALITY.test(quality);
  return { name, quality: acceptable ? Number(quality) : 0 };
}
