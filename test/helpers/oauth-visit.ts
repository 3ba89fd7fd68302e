/** A person who signs in at the provider's pages, for tests with real clients. */
import type { Browser, ListeningApp } from './oauth-browser.js';
import type { SeededUser } from './seed.js';

export const CALLBACK = 'https://app.example.com/callback';
const MAX_FORMS = 5;

/** Fills in the forms of the provider until the browser leaves it, or a page has no form that is known. */
export async function answerForms(
  browser: Browser,
  { username, password }: Pick<SeededUser, 'username' | 'password'>,
  decision: 'allow' | 'deny' = 'allow',
): Promise<void> {
  for (let forms = 0; forms < MAX_FORMS; forms += 1) {
    const { html } = browser.shown;
    if (html.includes('name="identifier"')) await browser.submit({ identifier: username, password });
    else if (html.includes('name="decision"')) await browser.submit({ decision });
    else return;
  }
}

/** Opens an authorization URL in a new browser, signs in and allows. @returns the URL at the client */
export async function authorize(
  app: ListeningApp,
  url: string | URL,
  user: SeededUser,
  decision: 'allow' | 'deny' = 'allow',
): Promise<URL> {
  const browser = app.browser();
  await browser.open(url);
  await answerForms(browser, user, decision);
  const { url: reached, html } = browser.shown;
  if (reached.origin === app.url) throw new Error(`The browser is still at ${reached.href}: ${html}`);
  return reached;
}

/** Moves the app's clock to the real time, by which clients judge tokens. */
export function synchronise({ clock }: Pick<ListeningApp, 'clock'>): void {
  clock.advance(Date.now() - clock.now());
}
