// An application as the SDK's README describes it. `window.client` is there for the tests.
const config = await (await fetch('/config.json')).json();
const state = document.getElementById('state');
const client = new auth0.Auth0Client(config);
window.client = client;

document.getElementById('login').onclick = () =>
  client.loginWithRedirect({ authorizationParams: { redirect_uri: `${location.origin}/` } });
document.getElementById('logout').onclick = () =>
  client.logout({ logoutParams: { returnTo: `${location.origin}/` } });

try {
  const query = new URLSearchParams(location.search);
  if (query.has('state') && (query.has('code') || query.has('error'))) {
    await client.handleRedirectCallback();
    history.replaceState({}, '', '/');
  }
  const user = await client.getUser();
  state.textContent = user ? `signed in as ${user.email}` : 'signed out';
} catch (error) {
  state.textContent = `error: ${error.error}: ${error.message}`;
}
