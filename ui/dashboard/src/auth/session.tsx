// Who is signed in, and what they may do. The token is kept in memory alone: after a reload the server, which knows the
// browser, gives another one in silence.
import { Auth0Provider, useAuth0 } from '@auth0/auth0-react';
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import { callWith } from '~/api/client.ts';
import { inWords, whenExpired } from '~/api/queries.ts';
import { Splash, SplashMessage } from '~/shell/splash.tsx';

import { claimsOf } from './claims.ts';
import { type Config, loadConfig } from './config.ts';
import { ASKED_FOR, type Scope } from './scopes.ts';

const HOME = `${window.location.origin}/dashboard/`;

interface Administrator {
  name: string;
  email: string | undefined;
  picture: string | undefined;
  /** The audience of the Management API: the issuer follows from it. */
  audience: string;
  scopes: ReadonlySet<string>;
  signOut: () => void;
}

const Current = createContext<Administrator | undefined>(undefined);

/** Whoever is signed in. */
export function useAdministrator(): Administrator {
  const administrator = useContext(Current);
  if (!administrator) throw new Error('useAdministrator() outside <Session>');
  return administrator;
}

/** Whether the token carries one of the scopes: `const may = useMay(); may('update:roles')`. */
export function useMay(): (...scopes: readonly Scope[]) => boolean {
  const { scopes } = useAdministrator();
  return useCallback((...wanted) => wanted.some((scope) => scopes.has(scope)), [scopes]);
}

/** Shows its children only to who may do one of these things. */
export function May({ scope, children }: { scope: Scope | readonly Scope[]; children: ReactNode }) {
  const may = useMay();
  return may(...(typeof scope === 'string' ? [scope] : scope)) ? children : null;
}

export function Session({ children }: { children: ReactNode }) {
  const config = useQuery({ queryKey: ['config'], queryFn: loadConfig, staleTime: Infinity });
  if (config.isPending) return <Splash />;
  if (config.isError) {
    return <SplashMessage title="The dashboard cannot be used here" text={config.error.message} />;
  }
  const parameters = {
    redirect_uri: HOME,
    audience: config.data.audience,
    scope: ['openid', 'profile', 'email', ...ASKED_FOR].join(' '),
  };
  return (
    <Auth0Provider
      domain={window.location.origin}
      clientId={config.data.client_id}
      authorizationParams={parameters}
      onRedirectCallback={(state) => {
        // Before the router starts: it finds the address that was asked for first.
        const returnTo: unknown = state?.returnTo;
        const isOurs = typeof returnTo === 'string' && returnTo.startsWith('/dashboard/');
        window.history.replaceState({}, '', isOurs ? returnTo : HOME);
      }}
    >
      <Gate config={config.data}>{children}</Gate>
    </Auth0Provider>
  );
}

function Gate({ config, children }: { config: Config; children: ReactNode }) {
  const { isLoading, isAuthenticated, error, user, loginWithRedirect, logout, getAccessTokenSilently } = useAuth0();
  const leaving = useRef(false);
  const [isRefused, setRefused] = useState(false);

  const subject = useRef<unknown>(undefined);

  const signIn = useCallback((anew = false) => {
    if (leaving.current) return;
    leaving.current = true;
    const returnTo = window.location.pathname + window.location.search + window.location.hash;
    void loginWithRedirect({ appState: { returnTo }, ...(anew ? { authorizationParams: { prompt: 'login' } } : {}) });
  }, [loginWithRedirect]);
  const signOut = useCallback(() => {
    leaving.current = true;
    void logout({ logoutParams: { returnTo: HOME } });
  }, [logout]);

  useEffect(() => {
    callWith(async () => {
      try {
        const token = await getAccessTokenSilently();
        if (token === undefined) throw new Error('There is no token.');
        // Somebody else signed in at this server with the same browser: nothing is done in their name.
        subject.current ??= subjectOf(token);
        if (subjectOf(token) !== subject.current) throw new Error('Somebody else is signed in now.');
        return token;
      } catch (cause) {
        signIn(true);
        throw cause;
      }
    });
    whenExpired(() => {
      // Once: a token that is refused right after it was issued will be refused again.
      if (wasRefusedJustNow()) setRefused(true);
      else signIn();
    });
  }, [getAccessTokenSilently, signIn]);

  useEffect(() => {
    if (!isLoading && !isAuthenticated && !error) signIn();
  }, [isLoading, isAuthenticated, error, signIn]);

  const token = useQuery({
    queryKey: ['token'],
    queryFn: () => getAccessTokenSilently(),
    enabled: isAuthenticated,
    staleTime: Infinity,
  });
  const administrator = useMemo(
    () =>
      token.data === undefined
        ? undefined
        : {
            name: user?.name ?? user?.email ?? 'Signed in',
            email: user?.email,
            picture: user?.picture,
            audience: config.audience,
            scopes: scopesOf(token.data),
            signOut,
          },
    [token.data, user, config.audience, signOut],
  );

  if (error) return <SplashMessage title="You could not be signed in" text={inWords(error)} again={() => signIn(true)} />;
  if (token.error) {
    return <SplashMessage title="You could not be signed in" text={inWords(token.error)} again={() => signIn(true)} />;
  }
  if (isRefused) {
    const text = 'The server refuses the token that it issued a moment ago. Its clock, or the issuer it is reached by, may be wrong.';
    return <SplashMessage title="You could not be signed in" text={text} again={() => signIn(true)} signOut={signOut} />;
  }
  if (!administrator) return <Splash />;
  if (!ASKED_FOR.some((scope) => administrator.scopes.has(scope))) {
    const who = administrator.email ?? 'Your account';
    const text = `${who} holds no role that may administer this tenant. An administrator can give you one.`;
    return <SplashMessage title="Nothing to see yet" text={text} signOut={signOut} />;
  }
  return <Current value={administrator}>{children}</Current>;
}

/** The scopes of our own token. Nothing is decided by them but what is shown: the server looks at every call. */
function scopesOf(token: string): ReadonlySet<string> {
  const scope = claimsOf(token).scope;
  return new Set(typeof scope === 'string' ? scope.split(' ') : []);
}

function subjectOf(token: string): unknown {
  return claimsOf(token).sub;
}

/** Whether a token was refused in the last half minute; notes that one is refused now. */
function wasRefusedJustNow(): boolean {
  const key = 'chancery.refused-at';
  const before = Number(sessionStorage.getItem(key) ?? 0);
  sessionStorage.setItem(key, String(Date.now()));
  return Date.now() - before < 30_000;
}
