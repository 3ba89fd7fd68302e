/**
 * Enforces the schema's directives by wrapping resolvers, subscribers and type resolvers: first the gate, then the rate limit, then
 * the field. A subscription is checked when it opens and again for each event.
 */
import {
  defaultFieldResolver,
  defaultTypeResolver,
  getDirectiveValues,
  isAbstractType,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { assertEnrolled, assertScopes, isRecentLogin, sessionOf } from '../../authz/decisions.js';
import { subjectId } from '../../authz/principal.js';
import type { AccountPrincipal } from '../../authn/strategy.js';
import type { Rate } from '../../config/readers.js';
import { AppError, stepUpRequired } from '../../lib/errors.js';
import { cookieSessionId } from '../resolvers/auth-payload.js';
import type { GraphqlContext } from '../context.js';
import { createGates, OPEN, type Gate } from './gates.js';
import { readLimits, type Limit } from './limits.js';

type Resolver = GraphQLFieldResolver<unknown, GraphqlContext>;
type Admit = (context: GraphqlContext) => Promise<void>;

/** A gate with the directives that only fields have. */
interface FieldGate extends Gate {
  /** Without a valid access token, an authentic refresh cookie passes too. */
  readonly orCookie?: boolean;
  /** A session that may only enrol a second factor passes too. */
  readonly duringEnrollment?: boolean;
}

export interface DirectiveOptions {
  readonly knownScopes: ReadonlySet<string>;
  /** Rates by root field, which replace those of the schema. */
  readonly rates: ReadonlyMap<string, Rate>;
}

/** Wraps the schema in place. @throws Error naming every root field without a gate, unknown scope, bad rate and bad duration */
export function enforceDirectives(schema: GraphQLSchema, { knownScopes, rates }: DirectiveOptions): GraphQLSchema {
  const gates = createGates(schema);
  const limits = readLimits(schema, rates);
  const errors = [...gates.errors(knownScopes), ...limits.errors];
  if (errors.length > 0) throw new Error(`The schema is refused:\n  ${errors.join('\n  ')}`);

  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        if (type === schema.getQueryType()) boundStatements(field as GraphQLField<unknown, GraphqlContext>);
        const gate = {
          ...gates.ofField(type, field),
          orCookie: carries(schema, field, 'orRefreshCookie'),
          duringEnrollment: carries(schema, field, 'allowedDuringEnrollment'),
        };
        guardField(field as GraphQLField<unknown, GraphqlContext>, gate, limits.of(type, field));
        if (type === schema.getMutationType()) authenticateAnew(field as GraphQLField<unknown, GraphqlContext>);
      }
    } else if (isAbstractType(type)) {
      guardTypeName(type, schema, gates.ofType);
    }
  }
  return schema;
}

/** Whether a field carries a directive, which a schema need not define. */
function carries(schema: GraphQLSchema, { astNode }: GraphQLField<unknown, unknown>, name: string): boolean {
  const directive = schema.getDirective(name);
  return directive != null && astNode != null && getDirectiveValues(directive, astNode) !== undefined;
}

function guardField(field: GraphQLField<unknown, GraphqlContext>, gate: FieldGate, limit: Limit | undefined): void {
  if (!gate.authenticated && !limit) return;
  const pass: Admit = (context) => passGate(context, gate);
  const admit: Admit = limit ? (context) => pass(context).then(() => charge(context, limit)) : pass;
  const inner = field.resolve ?? defaultFieldResolver;
  if (!field.subscribe) {
    field.resolve = guarded(inner, admit);
    return;
  }
  // Opening is charged. Each event authenticates the caller again, but is not charged.
  field.subscribe = guarded(field.subscribe, async (context) => {
    await admit(context);
    context.require(gate.requirements);
  });
  field.resolve = guarded(inner, (context) => {
    context.forget();
    return pass(context);
  });
}

/** Aliases of a query run concurrently: without a limit each would take a connection. */
function boundStatements(field: GraphQLField<unknown, GraphqlContext>): void {
  const inner = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, args, context, info) => context.run(() => inner(source, args, context, info));
}

/** Mutations run one after another: a logout must refuse the ones after it. */
function authenticateAnew(field: GraphQLField<unknown, GraphqlContext>): void {
  const inner = field.resolve ?? defaultFieldResolver;
  field.resolve = async (source, args, context, info) => {
    context.forget();
    return inner(source, args, context, info);
  };
}

function guarded(inner: Resolver, admit: Admit): Resolver {
  return async (source, args, context, info) => {
    await admit(context);
    return inner(source, args, context, info);
  };
}

/** Hides the type name of a gated object behind an interface or union. */
function guardTypeName(
  type: GraphQLAbstractType,
  schema: GraphQLSchema,
  gateOf: (type: GraphQLObjectType) => Gate,
): void {
  const gated = new Map(schema.getPossibleTypes(type).map((possible) => [possible.name, gateOf(possible)]));
  if (![...gated.values()].some((gate) => gate.authenticated)) return;
  const inner = type.resolveType ?? defaultTypeResolver;
  type.resolveType = async (value, context: GraphqlContext, info, abstractType) => {
    const name = await inner(value, context, info, abstractType);
    await passGate(context, (name !== undefined && gated.get(name)) || OPEN);
    return name;
  };
}

async function passGate(context: GraphqlContext, gate: FieldGate): Promise<void> {
  const { authenticated, ownSession, recentLoginMs, requirements, orCookie, duringEnrollment } = gate;
  if (!authenticated) return;
  const principal = await (orCookie ? authenticateOrCookie(context) : context.authenticate());
  if (!principal) return;
  if (!duringEnrollment) assertEnrolled(principal);
  if (ownSession) sessionOf(principal);
  for (const require of requirements) assertScopes(principal, require);
  if (recentLoginMs !== undefined && !isRecentLogin(principal, recentLoginMs, context.now()))
    throw stepUpRequired(await context.services.stepUpMethods(sessionOf(principal).user.id));
}

/** Undefined if the access token is missing or refused, but the refresh cookie is authentic. */
async function authenticateOrCookie(context: GraphqlContext): Promise<AccountPrincipal | undefined> {
  return context.authenticate().catch((error: unknown) => {
    const isRefused = error instanceof AppError && error.status === 401;
    if (isRefused && cookieSessionId(context) !== undefined) return undefined;
    throw error;
  });
}

async function charge(context: GraphqlContext, { name, rate, by }: Limit): Promise<void> {
  const { client } = context;
  const parts: string[] = [];
  for (const key of by) parts.push(key === 'IP' ? client.network : await principalKey(context));
  await context.services.rateLimits.charge([name, ...parts].join('|'), rate, { userId: null, client });
}

/** Callers without valid credentials count by network. */
async function principalKey(context: GraphqlContext): Promise<string> {
  return context.authenticate().then(subjectId, () => context.client.network);
}
