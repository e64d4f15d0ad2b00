// The screens of the dashboard beyond the APIs: each is visited and judged, and on each one thing is done that people do.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { accept, logIn } from '../lib/browser.mjs';
import { go, inspectScreen, openDashboard } from '../lib/dashboard.mjs';

export default {
  'applications: made, set, granted, rotated, deleted': async (tools) => {
    const page = await openDashboard(tools, 'applications');
    await page.getByRole('link', { name: 'Demo Web' }).waitFor();
    await inspectScreen(page, 'applications');

    const name = `Shop ${randomUUID().slice(0, 8)}`;
    await page.getByRole('button', { name: 'Create application' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('radio', { name: 'Web', exact: true }).check();
    await page.getByRole('dialog').getByRole('button', { name: 'Create application' }).click();
    const first = await page.getByRole('region', { name: 'client secret' }).innerText();
    const id = await page.getByRole('region', { name: 'client id' }).innerText();
    await inspectScreen(page, 'application-secret');
    await page.getByRole('button', { name: 'Go on to its settings' }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();

    await page.getByLabel('Callbacks').fill('https://shop.example/callback\n\n https://shop.example/other \n');
    await page.getByRole('checkbox', { name: 'Client credentials' }).check();
    await page.getByRole('switch', { name: 'Rotate at each use' }).check();
    await page.getByText('3 changes are not saved.').waitFor();
    await inspectScreen(page, 'application-settings');
    // What was not saved is not lost by a click.
    await page.getByRole('tab', { name: 'Credentials' }).click();
    await page.getByRole('dialog').getByText('The 3 changes on this page would be lost.').waitFor();
    await inspectScreen(page, 'unsaved');
    await page.getByRole('button', { name: 'Stay' }).click();
    await page.getByText('3 changes are not saved.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings were saved').waitFor();
    const kept = await tools.management.call('GET', `clients/${id}`);
    assert.deepEqual(kept.callbacks, ['https://shop.example/callback', 'https://shop.example/other']);
    assert.ok(kept.grant_types.includes('client_credentials'));
    assert.equal(kept.refresh_token.rotation_type, 'rotating');

    await page.getByRole('tab', { name: 'Credentials' }).click();
    await page.getByRole('button', { name: 'Show secret' }).click();
    assert.equal(await page.getByRole('region', { name: 'client secret' }).innerText(), first);
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByRole('dialog').getByText('the old one is refused').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
    await page.getByText('There is a new secret', { exact: true }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const second = await page.getByRole('region', { name: 'client secret' }).innerText();
    assert.notEqual(second, first);
    assert.equal((await tools.management.call('GET', `clients/${id}`)).client_secret, second);
    await inspectScreen(page, 'application-credentials');

    await page.getByRole('tab', { name: 'Connections' }).click();
    await page.getByRole('switch', { name: /^Users of .* may sign in$/ }).first().waitFor();
    await inspectScreen(page, 'application-connections');

    await page.getByRole('tab', { name: 'APIs' }).click();
    await page.getByRole('button', { name: 'Grant access to Contacts API: in its own name' }).click();
    await page.getByRole('checkbox', { name: 'read:contacts' }).check();
    await page.getByRole('checkbox', { name: 'delete:contacts' }).check();
    await inspectScreen(page, 'application-grant');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('2 scopes').waitFor();
    await inspectScreen(page, 'application-apis');
    await page.getByRole('button', { name: 'Change access to Contacts API: in its own name' }).click();
    await page.getByRole('checkbox', { name: 'delete:contacts' }).uncheck();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText(`${name} may no longer ask for delete:contacts`).waitFor();
    await page.getByRole('button', { name: 'Change access' , exact: true }).click();
    await page.getByText('1 scope', { exact: false }).waitFor();
    const grants = await tools.management.call('GET', `client-grants?client_id=${id}`);
    assert.deepEqual(grants.map(({ scope, subject_type: subject }) => [scope, subject]), [[['read:contacts'], 'client']]);

    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Delete application' }).click();
    await page.getByLabel(`Type ${name} to go on`).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete application' }).click();
    await page.getByText(`${name} was deleted`).waitFor();
    await go(page, 'Applications');
    await page.getByRole('searchbox', { name: 'Search applications' }).fill(name);
    await page.getByText('No application is called that').waitFor();
  },

  'users: made, a role and a permission given, blocked, signed out, deleted': async (tools) => {
    const page = await openDashboard(tools, 'users');
    await page.getByRole('link', { name: 'Jane Doe' }).waitFor();
    await inspectScreen(page, 'users');

    const email = `kim-${randomUUID().slice(0, 8)}@example.com`;
    await page.getByRole('button', { name: 'Create user' }).click();
    await page.getByRole('textbox', { name: 'Address' }).fill(email);
    await page.getByRole('textbox', { name: 'Password' }).fill('short');
    await page.getByRole('dialog').getByRole('button', { name: 'Create user' }).click();
    await page.getByRole('dialog').getByText(/password/i).and(page.getByRole('alert').locator('*')).first().waitFor();
    await inspectScreen(page, 'user-create');
    await page.getByRole('textbox', { name: 'Password' }).fill('A-good-Passw0rd');
    await page.getByRole('dialog').getByRole('switch', { name: 'The address is theirs' }).check();
    await page.getByRole('dialog').getByRole('button', { name: 'Create user' }).click();
    await page.getByRole('heading', { level: 1, name: email }).waitFor();
    const [{ user_id: id }] = await tools.management.call('GET', `users-by-email?email=${encodeURIComponent(email)}`);
    const path = `users/${encodeURIComponent(id)}`;

    await page.getByLabel('Of the application (app_metadata)').fill('{"plan": "pro"}');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The profile was saved').waitFor();
    assert.deepEqual((await tools.management.call('GET', path)).app_metadata, { plan: 'pro' });
    await inspectScreen(page, 'user-profile');

    await page.getByRole('button', { name: 'New password' }).click();
    await page.getByRole('button', { name: 'Make a link' }).click();
    assert.match(await page.getByRole('region', { name: 'link' }).innerText(), /\/u\/reset-verify\?ticket=/);
    await inspectScreen(page, 'user-new-password');
    await page.getByRole('button', { name: 'Done' }).click();

    await page.getByRole('tab', { name: 'Roles' }).click();
    await page.getByRole('combobox', { name: 'Give roles' }).click();
    await page.getByRole('option', { name: 'Contacts Reader' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Give', exact: true }).click();
    await page.getByRole('link', { name: 'Contacts Reader' }).waitFor();
    await inspectScreen(page, 'user-roles');

    await page.getByRole('tab', { name: 'Permissions' }).click();
    await page.getByRole('link', { name: 'Contacts Reader' }).waitFor();
    await page.getByRole('button', { name: 'Give permissions' }).click();
    await page.getByRole('combobox', { name: 'API' }).click();
    await page.getByRole('option', { name: 'Contacts API' }).click();
    await page.getByRole('checkbox', { name: 'delete:contacts' }).check();
    await page.getByRole('button', { name: 'Give 1' }).click();
    await page.getByText('given directly').waitFor();
    await inspectScreen(page, 'user-permissions');

    const signedIn = await openDashboard(tools, '', { email, password: 'A-good-Passw0rd' }).catch((error) => error);
    await page.getByRole('tab', { name: 'Sessions' }).click();
    await page.getByRole('button', { name: 'End', exact: true }).waitFor();
    await inspectScreen(page, 'user-sessions');
    await page.getByRole('button', { name: 'End', exact: true }).click();
    await page.getByRole('button', { name: 'End session' }).click();
    await page.getByText('Signed in nowhere').waitFor();
    assert.deepEqual((await tools.management.call('GET', `${path}/sessions`)).sessions, []);
    assert.ok(signedIn);

    await page.getByRole('tab', { name: 'Consents' }).click();
    await page.getByText('Nothing allowed yet').waitFor();
    await inspectScreen(page, 'user-consents');
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByRole('link', { name: `${email} signed in to` }).first().waitFor();
    await inspectScreen(page, 'user-logs');

    await page.getByRole('button', { name: 'Block', exact: true }).click();
    await page.getByRole('button', { name: 'Block user' }).click();
    await page.getByText('Blocked', { exact: true }).waitFor();
    assert.equal((await tools.management.call('GET', path)).blocked, true);
    await page.getByRole('button', { name: 'Unblock' }).click();
    await page.getByRole('button', { name: 'Block', exact: true }).waitFor();

    await page.getByRole('tab', { name: 'Profile' }).click();
    await page.getByRole('button', { name: 'Delete user' }).click();
    await page.getByLabel(`Type ${email} to go on`).fill(email);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete user' }).click();
    await page.getByText(`${email} was deleted`).waitFor();
    await page.getByRole('searchbox', { name: 'Search users' }).fill(email);
    await page.getByText('Nobody is called that').waitFor();
  },

  'consents: withdrawn': async (tools) => {
    const email = `lee-${randomUUID().slice(0, 8)}@example.com`;
    const { user_id: id } = await tools.management.user(email, 'A-good-Passw0rd');
    const name = `Partner ${randomUUID().slice(0, 8)}`;
    const { client_id: clientId } = await tools.management.spa(name, 'http://localhost:1', { is_first_party: false });
    await tools.management.call('POST', 'client-grants', {
      client_id: clientId, audience: 'https://contacts.example/api', scope: ['read:contacts'], subject_type: 'user',
    });
    const visitor = await tools.browser.page();
    const request = new URL('authorize', tools.chancery.issuer);
    request.search = new URLSearchParams({
      client_id: clientId, audience: 'https://contacts.example/api', scope: 'openid read:contacts', response_type: 'code',
      redirect_uri: 'http://localhost:1/', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
    });
    await visitor.goto(request.href);
    await logIn(visitor, { email, password: 'A-good-Passw0rd' });
    await accept(visitor);
    const page = await openDashboard(tools, `users/${encodeURIComponent(id)}/consents`);
    await page.getByRole('cell', { name, exact: true }).waitFor();
    await inspectScreen(page, 'user-consent');
    await page.getByRole('button', { name: `Withdraw what ${name} was allowed` }).click();
    await page.getByRole('button', { name: 'Withdraw consent' }).click();
    await page.getByText('Nothing allowed yet').waitFor();
    assert.deepEqual(await tools.management.call('GET', `grants?user_id=${encodeURIComponent(id)}`), []);
  },

  'roles: made, given scopes and a user, narrowed, deleted': async (tools) => {
    const page = await openDashboard(tools, 'roles');
    await page.getByRole('link', { name: 'Contacts Admin' }).waitFor();
    await inspectScreen(page, 'roles');
    const name = `Auditor ${randomUUID().slice(0, 8)}`;
    await page.getByRole('button', { name: 'Create role' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Create role' }).click();
    await page.getByText('It gives nothing yet').waitFor();
    const [{ id }] = await tools.management.call('GET', `roles?name_filter=${encodeURIComponent(name)}`);

    await page.getByRole('button', { name: 'Add permissions' }).click();
    await page.getByRole('combobox', { name: 'API' }).fill('contacts');
    await page.getByRole('option', { name: 'Contacts API' }).click();
    await page.getByRole('checkbox', { name: 'All 2' }).check();
    await inspectScreen(page, 'role-add-permissions');
    await page.getByRole('button', { name: 'Give 2' }).click();
    await page.getByRole('button', { name: 'Remove delete:contacts' }).waitFor();
    await inspectScreen(page, 'role-permissions');

    await page.getByRole('tab', { name: 'Users' }).click();
    await page.getByRole('combobox', { name: 'Give it to' }).fill('jane');
    await page.getByRole('option', { name: /Jane Doe/ }).click();
    await page.getByRole('button', { name: 'Give role' }).click();
    await page.getByRole('link', { name: 'Jane Doe' }).waitFor();
    await inspectScreen(page, 'role-users');
    assert.deepEqual((await tools.management.call('GET', `roles/${id}/users`)).map(({ name: user }) => user), ['Jane Doe']);

    await page.getByRole('tab', { name: 'Permissions' }).click();
    await page.getByRole('button', { name: 'Remove delete:contacts' }).click();
    await page.getByText(`The role ${name} no longer gives delete:contacts`).waitFor();
    await page.getByText('1 user').waitFor();
    await page.getByRole('button', { name: 'Remove permission' }).click();
    await page.getByRole('button', { name: 'Remove delete:contacts' }).waitFor({ state: 'detached' });
    const left = await tools.management.call('GET', `roles/${id}/permissions`);
    assert.deepEqual(left.map(({ permission_name: scope }) => scope), ['read:contacts']);

    await page.getByRole('tab', { name: 'Settings' }).click();
    await inspectScreen(page, 'role-settings');
    await page.getByRole('button', { name: 'Delete role' }).click();
    await page.getByText(`The role ${name} goes`).waitFor();
    await page.getByLabel(`Type ${name} to go on`).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete role' }).click();
    await page.getByText(`${name} was deleted`).waitFor();
  },

  'connections: a database made, its rules set and in force, used, deleted': async (tools) => {
    const page = await openDashboard(tools, 'connections');
    await page.getByRole('link', { name: 'Username-Password-Authentication' }).waitFor();
    await page.getByRole('searchbox', { name: 'Search connections' }).fill('no such');
    await page.getByText('No connection is called that').waitFor();
    await page.getByRole('searchbox', { name: 'Search connections' }).fill('password');
    await page.getByRole('link', { name: 'Username-Password-Authentication' }).waitFor();
    await inspectScreen(page, 'connections');
    const name = `people-${randomUUID().slice(0, 8)}`;
    await page.getByRole('button', { name: 'Create database' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Create database' }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    const [{ id, options: before }] = await tools.management.call('GET', `connections?name=${name}`);

    await page.getByRole('switch', { name: 'Nobody may sign up' }).check();
    await page.getByRole('switch', { name: 'Users have user names' }).check();
    await page.getByRole('textbox', { name: 'Characters at most' }).fill('20');
    await page.getByRole('textbox', { name: 'Characters at least' }).last().fill('14');
    await page.getByRole('switch', { name: 'Refuse common passwords' }).check();
    await page.getByRole('textbox', { name: 'And these' }).fill('chancery-chancery');
    await page.getByRole('switch', { name: 'Refuse earlier passwords' }).check();
    await page.getByText('4 changes are not saved.').waitFor();
    await inspectScreen(page, 'connection-settings');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings were saved').waitFor();
    const { options } = await tools.management.call('GET', `connections/${id}`);
    assert.deepEqual({ ...options, password_options: undefined }, {
      ...before, password_options: undefined, disable_signup: true, requires_username: true, validation: { username: { min: 1, max: 20 } },
    });
    assert.equal(options.password_options.complexity.min_length, 14);
    assert.deepEqual(options.password_options.dictionary.custom, ['chancery-chancery']);
    assert.equal(options.password_options.history.active, true);
    const make = (password) => tools.management.call('POST', 'users', { connection: name, email: 'ada@example.com', username: 'ada', password });
    await assert.rejects(make('Kx9!mq2Vw#7'), /400/);
    await assert.rejects(make('chancery-chancery'), /400/);
    await make('vexing-otter-plays-7-Lutes');

    await page.getByRole('tab', { name: 'Applications' }).click();
    await page.getByRole('switch', { name: 'Users may sign in to Demo Web' }).click();
    await page.getByText(`Users of ${name} may sign in`).waitFor();
    await inspectScreen(page, 'connection-applications');
    assert.equal((await tools.management.call('GET', `connections/${id}`)).enabled_clients.length, 1);

    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Delete database' }).click();
    await page.getByText(`The connection ${name} goes, with its users`).waitFor();
    await inspectScreen(page, 'connection-delete');
    await page.getByLabel(`Type ${name} to go on`).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete database' }).click();
    await page.getByText(`${name} was deleted`).waitFor();
    assert.deepEqual(await tools.management.call('GET', `connections?name=${name}`), []);
  },

  'logs: narrowed, followed live, one event read': async (tools) => {
    const page = await openDashboard(tools, 'logs');
    await page.getByRole('list', { name: 'Events' }).waitFor();
    await inspectScreen(page, 'logs');

    // Live: what happens now appears without a hand.
    await page.getByRole('switch', { name: 'Live' }).check();
    const stranger = await tools.browser.page();
    await stranger.goto(new URL('', tools.chancery.dashboard.url).href);
    const typed = `nobody-${randomUUID().slice(0, 8)}@example.com`;
    await logIn(stranger, { email: typed, password: 'wrong' });
    const event = page.getByRole('link', { name: new RegExp(typed) }).first();
    await event.waitFor();

    // Narrowed: the address says to what, and finds it again.
    await page.getByRole('combobox', { name: 'Type' }).click();
    await page.getByRole('option', { name: 'Everything that failed' }).click();
    await page.getByRole('textbox', { name: 'User' }).fill(typed);
    await page.waitForURL((url) => url.searchParams.get('type') === 'failures' && url.searchParams.get('user') === typed);
    await page.waitForFunction(() => document.querySelectorAll('.events > li').length === 1);
    await page.reload();
    await event.waitFor();
    assert.equal(await page.getByRole('list', { name: 'Events' }).getByRole('listitem').count(), 1);

    await event.click();
    await page.getByRole('heading', { level: 1, name: new RegExp(typed) }).waitFor();
    await page.getByText('The event as JSON').click();
    await page.getByRole('region', { name: 'event' }).getByText(typed).first().waitFor();
    await inspectScreen(page, 'log-event');
    // A token: why it has its scopes, as it was decided.
    const token = await tools.management.fetchToken().then(() => tools.management.call('GET', 'logs?q=type:seccft&per_page=1'));
    await page.goto(new URL(`logs/${encodeURIComponent(token[0].log_id)}`, tools.chancery.dashboard.url).href);
    await page.getByRole('heading', { name: 'Why these scopes, as it was decided then' }).waitFor();
    await page.getByText('granted').first().waitFor();
    await inspectScreen(page, 'log-token');

    await page.goto(new URL('logs', tools.chancery.dashboard.url).href);
    await page.getByRole('searchbox', { name: 'Search events' }).fill('no such thing');
    await page.getByText('Nothing of the kind').waitFor();
  },

  'signing keys: rotated, and the one before revoked': async (tools) => {
    const page = await openDashboard(tools, 'signing-keys');
    await page.getByText('Signs now').waitFor();
    const before = await tools.management.call('GET', 'keys/signing');
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.getByText('Nobody has to sign in anew').waitFor();
    await page.getByRole('button', { name: 'Rotate keys' }).click();
    await page.getByText('Verifies only').waitFor();
    await inspectScreen(page, 'signing-keys');
    const { kid } = before.find((key) => key.current);
    const after = await tools.management.call('GET', 'keys/signing');
    assert.equal(after.find((key) => key.current).kid, before.find((key) => key.next).kid);

    await page.getByRole('button', { name: `Revoke ${kid}` }).click();
    await page.getByText('every token that was signed with it is refused').waitFor();
    await page.getByLabel(`Type ${kid} to go on`).fill(kid);
    await page.getByRole('button', { name: 'Revoke key' }).click();
    await page.getByText('Revoked', { exact: true }).waitFor();
    // The test's own token was signed with it, too.
    await assert.rejects(tools.management.call('GET', 'keys/signing'), /401/);
    tools.management.token = undefined;
    assert.equal((await tools.management.call('GET', `keys/signing/${kid}`)).revoked, true);
  },

  'organizations: made, a member with a role, deleted': async (tools) => {
    const page = await openDashboard(tools, 'organizations');
    const name = `team-${randomUUID().slice(0, 8)}`;
    await page.getByRole('button', { name: 'Create organization' }).first().click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Create organization' }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    const { id } = await tools.management.call('GET', `organizations/name/${name}`);
    await page.getByRole('combobox', { name: 'User' }).fill('jane');
    await page.getByRole('option', { name: /Jane Doe/ }).click();
    await page.getByRole('button', { name: 'Add member' }).click();
    await page.getByRole('combobox', { name: 'Roles of Jane Doe' }).click();
    await page.getByRole('option', { name: 'Contacts Admin' }).click();
    await page.getByText('The role was given').waitFor();
    await page.keyboard.press('Escape');
    await inspectScreen(page, 'organization-members');
    const [member] = await tools.management.call('GET', `organizations/${id}/members?fields=user_id,roles`);
    assert.deepEqual(member.roles.map((role) => role.name), ['Contacts Admin']);
    await page.getByRole('button', { name: 'Remove Jane Doe' }).click();
    await page.getByRole('button', { name: 'Remove member' }).click();
    await page.getByText('Nobody belongs to it').waitFor();
    await page.getByRole('tab', { name: 'Connections' }).click();
    await page.getByRole('switch', { name: 'Members may sign in with Username-Password-Authentication' }).click();
    await page.getByText('Members may sign in with Username-Password-Authentication', { exact: true }).waitFor();
    await inspectScreen(page, 'organization-connections');
    await page.getByRole('switch', { name: 'Users of Username-Password-Authentication become members by signing in' }).click();
    await page.getByText('without an invitation').waitFor();
    await inspectScreen(page, 'organization-join');
    await page.getByRole('button', { name: 'Let them join' }).click();
    await page.getByRole('switch', { name: 'Strangers may sign up to Username-Password-Authentication from this organization' }).click();
    await page.getByText('Strangers may sign up now').waitFor();
    const enabled = () => tools.management.call('GET', `organizations/${id}/enabled_connections`);
    const rules = ({ assign_membership_on_login: joins, is_signup_enabled: signsUp }) => [joins, signsUp];
    assert.deepEqual((await enabled()).map(rules), [[true, true]]);
    await page.getByRole('switch', { name: 'Users of Username-Password-Authentication become members by signing in' }).click();
    await page.getByText('Only members may sign in now').waitFor();
    assert.deepEqual((await enabled()).map(rules), [[false, false]]);

    const shop = await tools.management.web(`Shop ${name}`, 'https://shop.example/callback', {
      initiate_login_uri: 'https://shop.example/login', organization_usage: 'allow',
    });
    await page.getByRole('tab', { name: 'Invitations' }).click();
    await page.getByText('Nobody is invited').waitFor();
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByRole('textbox', { name: 'Address' }).fill('kim@example.com');
    await page.getByRole('combobox', { name: 'Application' }).fill(shop.name);
    await page.getByRole('option', { name: shop.name }).click();
    await page.getByRole('combobox', { name: 'Database' }).click();
    await page.getByRole('option', { name: 'Username-Password-Authentication' }).click();
    await page.getByRole('combobox', { name: 'Roles' }).fill('Contacts A');
    await page.getByRole('option', { name: 'Contacts Admin' }).click();
    await page.getByRole('textbox', { name: 'In the name of' }).click();
    await inspectScreen(page, 'organization-invite');
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    await page.getByText('An invitation goes to kim@example.com').waitFor();
    const row = page.getByRole('row').filter({ hasText: 'kim@example.com' });
    await row.getByText('Contacts Admin').waitFor();
    await row.getByText(shop.name).waitFor();
    await inspectScreen(page, 'organization-invitations');
    const [invitation] = await tools.management.call('GET', `organizations/${id}/invitations`);
    assert.equal(invitation.client_id, shop.client_id);
    assert.equal(invitation.roles.length, 1);
    // The end is a whole second.
    const days = (Date.parse(invitation.expires_at) - Date.parse(invitation.created_at)) / 86_400_000;
    assert.ok(Math.abs(days - 7) < 0.001, `${days} days`);
    await page.getByRole('button', { name: 'Revoke the invitation of kim@example.com' }).click();
    await page.getByRole('button', { name: 'Revoke invitation' }).click();
    await page.getByText('Nobody is invited').waitFor();
    assert.deepEqual(await tools.management.call('GET', `organizations/${id}/invitations`), []);
    // What the server refuses is said in the dialog: this application has no address where an invitation could lead.
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByRole('textbox', { name: 'Address' }).fill('kim@example.com');
    await page.getByRole('combobox', { name: 'Application' }).fill('Demo Web');
    await page.getByRole('option', { name: 'Demo Web' }).click();
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    await page.getByRole('dialog').getByText('A default login route is required').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('textbox', { name: 'Name that is shown' }).fill('The Team');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { level: 1, name: 'The Team' }).waitFor();
    await inspectScreen(page, 'organization-settings');
    await page.getByRole('link', { name: 'Organizations', exact: true }).last().click();
    await page.getByRole('searchbox', { name: 'Search organizations' }).fill('no such');
    await page.getByText('No organization is called that').waitFor();
    await page.getByRole('searchbox', { name: 'Search organizations' }).fill('tea');
    await page.getByRole('link', { name: 'The Team' }).waitFor();
    await inspectScreen(page, 'organizations');
    await page.keyboard.press('Control+K');
    await page.getByPlaceholder('Go to a screen').fill('team');
    await page.getByRole('dialog').getByText(`Organization · ${name}`).click();
    await page.getByRole('heading', { level: 1, name: 'The Team' }).waitFor();
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Delete organization' }).click();
    await page.getByText(`The organization ${name} goes`).waitFor();
    await page.getByLabel(`Type ${name} to go on`).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete organization' }).click();
    await page.getByText(`${name} was deleted`).waitFor();
  },

  'branding: a colour previewed, saved, and on the login page': async (tools) => {
    const before = await tools.management.call('GET', 'branding');
    tools.after(() => tools.management.call('PATCH', 'branding', { colors: before.colors ?? { primary: null }, favicon_url: null }));
    const page = await openDashboard(tools, 'branding');
    const colour = page.getByRole('textbox', { name: 'Primary colour' });
    await colour.fill('blue');
    await page.getByText('A colour is written as #rrggbb or #rgb.').waitFor();
    await colour.fill('#a01050');
    await page.getByRole('textbox', { name: 'Icon' }).fill('https://pictures.example/icon.png');
    await colour.fill('#ffee00');
    await page.getByText('the text in buttons will be black').waitFor();
    await colour.fill('#a01050');
    const fills = await page.getByRole('img', { name: 'Preview of the login page' })
      .evaluate((preview) => [...preview.querySelectorAll('div')].map((part) => getComputedStyle(part).backgroundColor));
    assert.ok(fills.includes('rgb(160, 16, 80)'), 'the preview shows the colour');
    await inspectScreen(page, 'branding');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The branding was saved').waitFor();
    const after = await tools.management.call('GET', 'branding');
    assert.equal(after.colors.primary, '#a01050');
    assert.equal(after.favicon_url, 'https://pictures.example/icon.png');
    const stranger = await tools.browser.page();
    await stranger.goto(new URL('', tools.chancery.dashboard.url).href);
    const button = stranger.locator('button.primary');
    await button.waitFor();
    assert.equal(await button.evaluate((one) => getComputedStyle(one).backgroundColor), 'rgb(160, 16, 80)');
    // The preview has the very colours of the page, in both themes, whatever the pages had to change.
    const previewed = () => page.locator('.preview-button')
      .evaluateAll((buttons) => buttons.map((one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]));
    for (const picked of ['#ffee00', '#0a0a14', '#808080', '#e8590c']) {
      await colour.fill(picked);
      await tools.management.call('PATCH', 'branding', { colors: { primary: picked } });
      const shown = [];
      for (const colorScheme of ['light', 'dark']) {
        await stranger.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await stranger.reload();
        await button.waitFor();
        shown.push(await button.evaluate((one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]));
      }
      assert.deepEqual(await previewed(), shown, picked);
    }
  },

  'tenant settings: a second step at sign-in, each switch with its effect': async (tools) => {
    const call = (method, path, body) => tools.management.call(method, path, body);
    tools.after(async () => {
      await call('PUT', 'guardian/policies', []);
      for (const factor of ['otp', 'recovery-code']) await call('PUT', `guardian/factors/${factor}`, { enabled: false });
    });
    const page = await openDashboard(tools, 'tenant');
    const flip = async (label, title, action) => {
      await page.getByRole('switch', { name: label }).click();
      const dialog = page.getByRole('dialog', { name: title });
      await dialog.getByRole('button', { name: action, exact: true }).click();
      await dialog.waitFor({ state: 'hidden' });
    };
    assert.equal(await page.getByRole('switch', { name: 'At every sign-in' }).isDisabled(), true);
    await flip('Authenticator apps', 'Offer authenticator apps?', 'Turn on');
    await flip('Recovery codes', 'Give recovery codes?', 'Turn on');
    await flip('At every sign-in', 'Ask at every sign-in?', 'Ask everybody');
    await inspectScreen(page, 'second step');
    assert.deepEqual(await call('GET', 'guardian/policies'), ['all-applications']);
    const on = (await call('GET', 'guardian/factors')).filter((factor) => factor.enabled).map((factor) => factor.name);
    assert.deepEqual(on, ['otp', 'recovery-code']);
    await flip('At every sign-in', 'Ask only where applications do?', 'Ask less');
    assert.deepEqual(await call('GET', 'guardian/policies'), []);
  },

  'tenant settings: saved, and nothing else touched': async (tools) => {
    const before = await tools.management.call('GET', 'tenants/settings');
    tools.after(() => tools.management.call('PATCH', 'tenants/settings', {
      support_url: before.support_url, session_lifetime: before.session_lifetime, flags: { require_pkce_for_public_clients: false },
    }));
    const page = await openDashboard(tools, 'tenant');
    await page.getByRole('textbox', { name: 'Support page' }).fill('https://help.example/');
    await page.getByRole('textbox', { name: 'At the longest' }).fill('240');
    await page.getByRole('switch', { name: 'Public applications must use PKCE' }).check();
    await page.getByText('3 changes are not saved.').waitFor();
    await inspectScreen(page, 'tenant');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings were saved').waitFor();
    const after = await tools.management.call('GET', 'tenants/settings');
    assert.deepEqual(after, {
      ...before, support_url: 'https://help.example/', session_lifetime: 240,
      flags: { ...before.flags, require_pkce_for_public_clients: true },
    });
  },
};
