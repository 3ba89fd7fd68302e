/** A person's hands and eyes on the playground. */
import type { LaunchOptions, Locator, Page, Request } from 'playwright-core';
import type { TestApp } from '../helpers/app.js';
import { LOGIN } from '../helpers/seed.js';

/** The browser's own background requests would look for hosts elsewhere. */
const FLAGS = ['background-networking', 'component-update', 'sync', 'quic', 'gpu'].map((name) => `--disable-${name}`);

/** Debian's `chromium`, or the one that CHROMIUM names. */
export const LAUNCH: LaunchOptions = {
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', ...FLAGS],
};

const parts = {
  query: '.graphiql-query-editor',
  response: '.graphiql-response',
  variables: '[aria-label="Variables"]',
  headers: '[aria-label="Headers"]',
} as const;

/** Watches a page from now on, and offers what people do on it. */
export function playground(page: Page) {
  page.setDefaultTimeout(90_000);
  /** Console errors and warnings, exceptions and failed requests. */
  const problems: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    // The page itself ends workers that it no longer needs.
    if (reason !== 'net::ERR_ABORTED') problems.push(`${request.url()}: ${reason}`);
  });
  page.on('request', (request) => requests.push(request.url()));

  /** A line of an editor. */
  const line = (part: string, hasText: string | RegExp) => page.locator(`${part} .view-line`, { hasText }).first();
  return {
    parts,
    problems,
    requests,
    line,
    tab: (name: string) => page.getByRole('tab', { name }).click(),
    tool: (name: string) => page.getByRole('button', { name, exact: true }).click(),
    /** Runs the operation of the active tab and waits for its data. */
    async run(field: string): Promise<Request> {
      const sent = page.waitForRequest(isOperation);
      await page.locator('.graphiql-execute-button').click();
      const request = await sent;
      await line(parts.response, `"${field}": {`).waitFor();
      return request;
    },
  };
}

function isOperation(request: Request): boolean {
  return request.method() === 'POST' && !request.postData()?.includes('IntrospectionQuery');
}

/** Changes the account of the examples until a line shows it: changes before the subscription is open are not seen. */
export async function changeUntilShown(app: TestApp, line: Locator): Promise<void> {
  const { data } = await app
    .client()
    .send(LOGIN, { input: { identifier: 'ada', password: 'violet kettle on the moon' } });
  const ada = app.client({ token: data!['login'].accessToken as string });
  const isShown = () =>
    line.waitFor({ timeout: 2000 }).then(
      () => true,
      () => false,
    );
  let round = 0;
  do {
    round += 1;
    await ada.send('mutation ($name: String) { updateMe(input: { displayName: $name }) { id } }', {
      name: `Lady Ada ${round}`,
    });
  } while (!(await isShown()));
}
