// Run by tests/passwordless.mjs in a process of its own: the authentication client of npm's auth0.
import assert from 'node:assert/strict';

import { AuthenticationClient } from 'auth0/legacy';

const { DOMAIN, CLIENT_ID, CLIENT_SECRET, MAIL, EMAIL } = process.env;
const auth = new AuthenticationClient({ domain: DOMAIN, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });

await auth.passwordless.sendEmail({ email: EMAIL, send: 'code' });
const { mails } = await (await fetch(MAIL)).json();
const [, code] = mails.find((mail) => mail.to === EMAIL).text.match(/code is (\d{6})/);
const wrong = code === '000000' ? '111111' : '000000';
await assert.rejects(auth.passwordless.loginWithEmail({ email: EMAIL, code: wrong }), (error) => {
  assert.equal(error.statusCode, 403);
  assert.equal(error.error, 'invalid_grant');
  assert.equal(error.error_description, 'Wrong email or verification code.');
  return true;
});
const { data: tokens } = await auth.passwordless.loginWithEmail({ email: EMAIL, code, scope: 'openid email' });
const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
assert.equal(claims.email, EMAIL);
assert.equal(claims.email_verified, true);

const asked = await auth.backchannel.authorize({ userId: claims.sub, binding_message: 'Order 4711', scope: 'openid' });
assert.equal(asked.interval, 5);
await assert.rejects(auth.backchannel.backchannelGrant({ auth_req_id: asked.auth_req_id }), (error) => {
  assert.equal(error.error, 'authorization_pending');
  return true;
});
await assert.rejects(
  auth.backchannel.authorize({ userId: 'auth0|nobody', binding_message: 'x', scope: 'openid' }),
  (error) => error.error === 'unknown_user_id',
);
console.log('done');
