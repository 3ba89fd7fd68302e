/**
 * The script of the login page: asks the browser for a passkey and sends the response with the form. It is a file of our own origin,
 * so the policy of the page needs to allow no inline script.
 */

export const PASSKEY_SCRIPT = `'use strict';
(() => {
  const form = document.getElementById('passkey-form');
  if (!form || !window.PublicKeyCredential) return;
  const field = (name) => form.elements.namedItem(name);
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (character) => character.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '');
  let waiting;

  async function ask(mediation) {
    waiting?.abort();
    const controller = new AbortController();
    waiting = controller;
    const body = new URLSearchParams();
    for (const name of ['request', 'key', 'challenge']) if (field(name)) body.set(name, field(name).value);
    const answer = await fetch(form.dataset.start, { method: 'POST', body });
    if (!answer.ok) throw new Error('The passkey could not be asked for');
    const { challenge, options } = await answer.json();
    const allowCredentials = options.allowCredentials?.map((each) => ({ ...each, id: toBytes(each.id) }));
    const credential = await navigator.credentials.get({
      publicKey: { ...options, challenge: toBytes(options.challenge), ...(allowCredentials ? { allowCredentials } : {}) },
      signal: controller.signal,
      ...(mediation ? { mediation } : {}),
    });
    const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
    field('passkeyChallenge').value = challenge;
    field('passkey').value = JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      clientExtensionResults: {},
      response: {
        clientDataJSON: toText(clientDataJSON),
        authenticatorData: toText(authenticatorData),
        signature: toText(signature),
        ...(userHandle ? { userHandle: toText(userHandle) } : {}),
      },
    });
    form.submit();
  }

  form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask().catch(() => undefined);
  });
  // Suggestions in the input of the first step.
  if (!field('challenge'))
    PublicKeyCredential.isConditionalMediationAvailable?.()
      .then((isAvailable) => (isAvailable ? ask('conditional') : undefined))
      .catch(() => undefined);
})();
`;
