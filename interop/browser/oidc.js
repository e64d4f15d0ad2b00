// An application with oidc-client-ts, also inside its own frames, where it passes on what came back. `window.manager` is
// there for the tests.
const { UserManager, WebStorageStateStore } = window.oidc;

const config = await (await fetch('/config.json')).json();
const manager = new UserManager({ ...config, userStore: new WebStorageStateStore({ store: window.localStorage }) });
window.manager = manager;
const state = document.getElementById('state');

if (new URLSearchParams(location.search).has('state')) {
  await manager.signinCallback();
  if (window.parent === window) history.replaceState({}, '', '/');
}
const user = await manager.getUser();
state.textContent = user ? `signed in as ${user.profile.email}` : 'signed out';
