/**
 * Turns the schema's directives into gates: `@public`, `@authenticated`, `@requiresScopes`, `@requiresSession` and
 * `@requiresRecentLogin`. Pure: schema in, gates out.
 */
import {
  GraphQLObjectType,
  getDirectiveValues,
  getNamedType,
  isInterfaceType,
  isObjectType,
  type GraphQLCompositeType,
  type GraphQLDirective,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLSchema,
} from 'graphql';
import { parseDuration } from '../../config/readers.js';

/** OR of ANDs of scopes. */
export type ScopeRequirement = readonly (readonly string[])[];

/** What a caller must satisfy: nothing, or authentication and every requirement. */
export interface Gate {
  readonly authenticated: boolean;
  /** Only a person's own session passes. */
  readonly ownSession?: boolean;
  /** Only a session whose person authenticated within this time passes, in milliseconds. */
  readonly recentLoginMs?: number | undefined;
  readonly requirements: readonly ScopeRequirement[];
}

export const OPEN: Gate = { authenticated: false, requirements: [] };

type Annotated = { readonly astNode?: Parameters<typeof getDirectiveValues>[1] | null | undefined };
type FieldOwner = GraphQLObjectType | GraphQLInterfaceType;

export function createGates(schema: GraphQLSchema) {
  const named = (name: string): GraphQLDirective => {
    const directive = schema.getDirective(name);
    if (!directive) throw new Error(`The schema does not define @${name}`);
    return directive;
  };
  const directives = {
    public: named('public'),
    authenticated: named('authenticated'),
    scopes: named('requiresScopes'),
    session: named('requiresSession'),
    recentLogin: named('requiresRecentLogin'),
  };
  const carries = (directive: GraphQLDirective, { astNode }: Annotated) =>
    astNode ? getDirectiveValues(directive, astNode) : undefined;

  function own(annotated: Annotated): Gate {
    const scopes = carries(directives.scopes, annotated)?.['scopes'] as ScopeRequirement | undefined;
    const recentLoginMs = recentLoginOf(annotated);
    const ownSession = recentLoginMs !== undefined || carries(directives.session, annotated) !== undefined;
    return {
      authenticated: ownSession || scopes !== undefined || carries(directives.authenticated, annotated) !== undefined,
      ownSession,
      recentLoginMs,
      requirements: scopes === undefined ? [] : [scopes],
    };
  }

  /** NaN for a time that is not a duration. */
  function recentLoginOf(annotated: Annotated): number | undefined {
    const values = carries(directives.recentLogin, annotated);
    return values === undefined ? undefined : (parseDuration(String(values['within'])) ?? NaN);
  }

  /** The gate of a type: its own and those of its interfaces. */
  function ofType(type: GraphQLCompositeType): Gate {
    const interfaces = isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : [];
    return join(own(type), ...interfaces.map(own));
  }

  return {
    ofType,

    /** The gate of a field: its own, those of the interfaces' fields, of its owner and of the type it returns. */
    ofField(owner: FieldOwner, field: GraphQLField<unknown, unknown>): Gate {
      const inherited = owner.getInterfaces().flatMap((parent) => parent.getFields()[field.name] ?? []);
      const returned = getNamedType(field.type);
      const ofReturned = isObjectType(returned) || isInterfaceType(returned) ? ofType(returned) : OPEN;
      return join(own(field), ...inherited.map(own), ofType(owner), ofReturned);
    },

    /** Errors in the schema: root fields without a gate or with a contradiction, unknown scopes, bad durations. */
    errors(knownScopes: ReadonlySet<string>): string[] {
      const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
      const rootErrors = roots.flatMap((root) =>
        Object.values(root?.getFields() ?? {}).flatMap((field) => {
          const isPublic = carries(directives.public, field) !== undefined;
          if (isPublic !== own(field).authenticated) return [];
          const error = isPublic
            ? 'is @public and gated at once'
            : 'carries none of @public, @authenticated, @requiresScopes, @requiresSession, @requiresRecentLogin';
          return [`${root!.name}.${field.name} ${error}`];
        }),
      );
      return [...rootErrors, ...unknownScopes(knownScopes), ...badDurations()];
    },
  };

  function badDurations(): string[] {
    return Object.values(schema.getTypeMap()).flatMap((type) => {
      if (!isObjectType(type) && !isInterfaceType(type)) return [];
      return Object.values(type.getFields())
        .filter((field) => Number.isNaN(recentLoginOf(field)))
        .map(({ name }) => `${type.name}.${name} has a @requiresRecentLogin whose time is not a duration`);
    });
  }

  function unknownScopes(known: ReadonlySet<string>): string[] {
    return Object.values(schema.getTypeMap()).flatMap((type) => {
      if (!isObjectType(type) && !isInterfaceType(type)) return [];
      const annotated: [string, Annotated][] = [
        [type.name, type],
        ...Object.values(type.getFields()).map((field): [string, Annotated] => [`${type.name}.${field.name}`, field]),
      ];
      return annotated.flatMap(([name, node]) => {
        const scopes = own(node).requirements.flat(2);
        return scopes
          .filter((scope) => !known.has(scope))
          .map((scope) => `${name} requires the unknown scope ${scope}`);
      });
    });
  }
}

function join(...gates: readonly Gate[]): Gate {
  const times = gates.flatMap((gate) => gate.recentLoginMs ?? []);
  return {
    authenticated: gates.some((gate) => gate.authenticated),
    ownSession: gates.some((gate) => gate.ownSession),
    recentLoginMs: times.length === 0 ? undefined : Math.min(...times),
    requirements: gates.flatMap((gate) => gate.requirements),
  };
}
