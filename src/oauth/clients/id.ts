/** Ids of OAuth clients, as requests present them. */

const MAX_LENGTH = 2048;

/** Whether a text may be the id of a client. Check input with this before it reaches a query. */
export function isClientId(text: string): boolean {
  return text !== '' && text.length <= MAX_LENGTH && text.isWellFormed() && !text.includes('\0');
}
