/** Renders the forms of `/device`. All text is escaped. */
import { escapeHtml } from '../../lib/html.js';
import type { DeviceView } from '../../oauth/device/approval.js';
import { input, page, summary, type Field, type Html, type Issue } from '../layout.js';
import { form, hiddenInput, nameOf, unverified, type FormState, type OAuthPaths } from './html.js';
import { scopeText } from './scope-texts.js';

const USER_CODE: Field = {
  name: 'user_code',
  label: 'Code on the device',
  hint: 'Eight letters, such as BCDF-GHJK.',
};
/** A longer value is not a code. */
const MAX_CODE = 32;

/** Asks for the user code. A code of the link is filled in, but the person confirms it (RFC 8628 section 5.4). */
export function userCodePage(
  { key, userCode }: { readonly key: string; readonly userCode: string },
  { device }: OAuthPaths,
  issue?: Issue,
): Html {
  const value = userCode === '' ? '' : ` value="${escapeHtml(userCode.slice(0, MAX_CODE))}"`;
  const kind = `type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="${MAX_CODE}" required${value}`;
  const content = `<p>Enter the code that your device shows. If the code is filled in already, compare it with the one on the device.</p>
${summary([USER_CODE], issue)}<form method="post" action="${escapeHtml(device)}">
${hiddenInput('key', key)}${input(USER_CODE, kind, issue)}<button type="submit">Continue</button>
</form>
`;
  return page('Connect a device', content, { issue });
}

/** Asks whether the device is the person's, because others may have sent the code (RFC 8628 section 5.4). */
export function confirmDevicePage(state: FormState, { client, scopes, session }: DeviceView, paths: OAuthPaths): Html {
  const { account } = session;
  const items = scopes.map((scope) => `<li>${escapeHtml(scopeText(scope))}</li>\n`).join('');
  const content = `<p>A device with ${nameOf(client.name)} asks to:</p>
<ul>
${items}</ul>
${unverified(client)}<p>You are signed in as <bdi>${escapeHtml(account.username)}</bdi> (<bdi>${escapeHtml(account.email)}</bdi>).</p>
<p><strong>Is this device yours, and is it in front of you?</strong> If somebody sent you the code or the link, choose Deny: the device would get access to your account.</p>
${form(
  paths.device,
  state,
  `<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny" class="second">Deny</button>
`,
)}<form method="get" action="${escapeHtml(paths.login)}">
${hiddenInput('request', state.request)}<button type="submit" class="second">Use another account</button>
</form>
`;
  return page('Allow this device?', content);
}
