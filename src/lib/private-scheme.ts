/** The schemes of native apps. */

/** Reverse domain names (RFC 8252 section 7.1). They contain a dot, which no registered scheme for pages or scripts does. */
const PRIVATE_SCHEME = /^[a-z][a-z\d+-]*(?:\.[a-z\d+-]+)+:$/;

/** Whether a text is a private-use URI scheme with its colon, such as `com.example.app:`. */
export function isPrivateScheme(text: string): boolean {
  return PRIVATE_SCHEME.test(text);
}
