/** Resolvers of audit events. */
import type { QueryResolvers, SubscriptionResolvers } from '../generated.js';
import { seenByOwner, type AuditRecord } from '../../audit/event.js';

export const auditEvents: QueryResolvers['auditEvents'] = (_source, args, context) => context.services.audit.list(args);

export const securityEvents: SubscriptionResolvers['securityEvents'] = {
  subscribe: (_source, _args, context) => context.services.feed.subscribe(context.account().id),
  resolve: seenByOwner,
};

export const allAuditEvents: SubscriptionResolvers['auditEvents'] = {
  subscribe: (_source, _args, context) => context.services.feed.subscribe(null),
  resolve: (record: AuditRecord) => record,
};
