/** Resolvers of audit events. */
import type { AuditEventResolvers, QueryResolvers, SubscriptionResolvers } from '../generated.js';
import { seenByOwner, type ActorKind, type AuditRecord } from '../../audit/event.js';

const ACTOR_KINDS = { user: 'USER', 'service-account': 'SERVICE_ACCOUNT' } as const satisfies Record<ActorKind, string>;

export const AuditEvent: AuditEventResolvers = {
  // Events of older releases have no kind; their actors are accounts.
  actorKind: ({ actorId, actorKind }) => (actorId === null ? null : ACTOR_KINDS[actorKind ?? 'user']),
};

export const auditEvents: QueryResolvers['auditEvents'] = (_source, args, context) => context.services.audit.list(args);

export const securityEvents: SubscriptionResolvers['securityEvents'] = {
  subscribe: (_source, _args, context) => context.services.feed.subscribe(context.account().id),
  resolve: seenByOwner,
};

export const allAuditEvents: SubscriptionResolvers['auditEvents'] = {
  subscribe: (_source, _args, context) => context.services.feed.subscribe(null),
  resolve: (record: AuditRecord) => record,
};
