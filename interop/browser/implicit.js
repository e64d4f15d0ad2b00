// The request of the implicit flow with auth0.js. `window.web` and `window.result` are there for the tests.
const { nonce, state, ...config } = await (await fetch('/config.json')).json();
const shown = document.getElementById('state');
const web = new auth0.WebAuth(config);
window.web = web;

document.getElementById('login').onclick = () => web.authorize({ nonce, state });

if (location.hash) {
  // The library verifies state, nonce, the ID token's signature, issuer and audience, and at_hash.
  web.parseHash({ hash: location.hash }, (error, result) => {
    window.result = result;
    shown.textContent = error ? `error: ${error.error}: ${error.errorDescription}` : `signed in as ${result.idTokenPayload.email}`;
  });
} else {
  shown.textContent = 'signed out';
}
