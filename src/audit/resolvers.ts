/** Root fields of the audit. */
import type { QueryResolvers } from '../graphql/generated.js';

export const auditEvents: QueryResolvers['auditEvents'] = (_source, args, context) => context.services.audit.list(args);
