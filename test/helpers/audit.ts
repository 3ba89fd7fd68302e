/** The official audit of GraphQL over HTTP, run against a listening server. */
import { auditServer } from 'graphql-http';

/** The failed checks: errors (MUST) and warnings (SHOULD), without optional ones. */
export async function auditFaults(url: string): Promise<string[]> {
  const results = await auditServer({ url });
  if (results.length < 50) throw new Error('The audit did not run');
  return results.flatMap((result) =>
    result.status === 'error' || result.status === 'warn' ? [`${result.id} ${result.name}: ${result.reason}`] : [],
  );
}
