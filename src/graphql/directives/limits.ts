/** The limits of `@rateLimit`, and charges for other transports that do the work of a field. */
import { getDirectiveValues, isObjectType, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { parseRate, type Rate } from '../../config/readers.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { RateLimits } from '../../rate-limits/service.js';

/** The limit of a field. */
export interface Limit {
  readonly name: string;
  readonly rate: Rate;
  readonly by: readonly ('IP' | 'PRINCIPAL')[];
}

/**
 * Counts an execution of a field, such as `Mutation.login`, for the network of the client. The counter is that of the field, so a
 * page gives no further tries.
 * @throws AppError RATE_LIMIT_EXCEEDED
 */
export type ChargeField = (field: string, client: ClientInfo) => Promise<void>;

/** @param rates by root field, which replace those of the schema */
export function createFieldCharges(
  schema: GraphQLSchema,
  rates: ReadonlyMap<string, Rate>,
  rateLimits: Pick<RateLimits, 'charge'>,
): ChargeField {
  const limits = readLimits(schema, rates);
  return async (field, client) => {
    const limit = limits.byName.get(field);
    if (!limit) throw new Error(`${field} carries no @rateLimit`);
    await rateLimits.charge(`${field}|${client.network}`, limit.rate, { userId: null, client });
  };
}

/** Reads `@rateLimit` of every field; the configuration overrides the schema. */
export function readLimits(schema: GraphQLSchema, rates: ReadonlyMap<string, Rate>) {
  const directive = schema.getDirective('rateLimit');
  if (!directive) throw new Error('The schema does not define @rateLimit');
  const errors: string[] = [];
  const known = new Set<string>();
  const limits = new Map<string, Limit>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const values = field.astNode && getDirectiveValues(directive, field.astNode);
      if (!values) continue;
      const name = `${type.name}.${field.name}`;
      const rate = rates.get(field.name) ?? parseRate(`${String(values['max'])}/${String(values['window'])}`);
      known.add(field.name);
      if (rate) limits.set(name, { name, rate, by: values['by'] as Limit['by'] });
      else errors.push(`${name} has a @rateLimit whose window is not a duration`);
    }
  }
  for (const field of rates.keys()) {
    if (!known.has(field)) errors.push(`RATE_LIMIT_FIELDS names ${field}, which carries no @rateLimit`);
  }
  return {
    errors,
    byName: limits,
    of: (type: GraphQLObjectType, field: { name: string }) => limits.get(`${type.name}.${field.name}`),
  };
}
