// Run by tests/node-apps.mjs in a process of its own: web applications that people sign in to through middleware made for Auth0.
import { once } from 'node:events';
import { ExpressAuth, getSession } from '@auth/express';
import Auth0 from '@auth/express/providers/auth0';
import express from 'express';
import openid from 'express-openid-connect';
import session from 'express-session';
import passport from 'passport';
import Auth0Strategy from 'passport-auth0';

const { auth, requiresAuth } = openid;
const { DOMAIN, CLIENT_ID, CLIENT_SECRET, AUDIENCE, KIND } = process.env;
const app = express();
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;

if (KIND === 'passport-auth0') {
  app.use(session({ secret: 'of the test', resave: false, saveUninitialized: true }));
  const settings = { domain: DOMAIN, clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: `${origin}/callback`, state: true };
  passport.use(new Auth0Strategy(settings, (access, refresh, more, profile, done) => done(null, { profile, access, refresh })));
  app.use(passport.initialize());
  app.get('/login', passport.authenticate('auth0', { scope: 'openid email profile offline_access', audience: AUDIENCE }));
  app.get('/callback', passport.authenticate('auth0', { session: false }), ({ user }, response) => {
    response.json({ sub: user.profile.id, email: user.profile.emails[0].value, refresh: Boolean(user.refresh) });
  });
} else if (KIND === 'authjs') {
  const config = {
    secret: 'of the test, which is long enough', trustHost: true,
    providers: [Auth0({
      clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, issuer: `https://${DOMAIN}/`,
      authorization: { params: { scope: 'openid email offline_access', audience: AUDIENCE } },
    })],
    callbacks: {
      jwt: ({ token, account }) => (account ? { ...token, sub: account.providerAccountId, refresh: Boolean(account.refresh_token) } : token),
      session: ({ session: { user }, token: { sub, refresh } }) => ({ user, sub, refresh }),
    },
  };
  app.set('trust proxy', true);
  app.use(/^\/auth\/(.*)/, ExpressAuth(config));
  app.get('/', async (request, response) => {
    const found = await getSession(request, config);
    if (!found) return response.redirect('/auth/signin');
    response.json({ sub: found.sub, email: found.user.email, refresh: found.refresh });
  });
} else {
  app.use(auth({
    authRequired: false, issuerBaseURL: `https://${DOMAIN}`, baseURL: origin, clientID: CLIENT_ID, clientSecret: CLIENT_SECRET,
    secret: 'of the test, which is long enough', auth0Logout: true,
    authorizationParams: { response_type: 'code', scope: 'openid email offline_access', audience: AUDIENCE },
    routes: { postLogoutRedirect: '/out' },
  }));
  app.get('/', requiresAuth(), async ({ oidc }, response) => {
    const { sub, email } = await oidc.fetchUserInfo();
    const { access_token } = await oidc.accessToken.refresh();
    response.json({ sub, email, refresh: access_token.length > 100 });
  });
  app.get('/out', (_, response) => response.send('out'));
}
app.use((error, _request, response, _next) => response.status(500).json({ error: error.message, of: String(error.oauthError?.data ?? '') }));
console.log(origin);
