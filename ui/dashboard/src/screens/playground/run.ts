import { useCallback, useRef, useState } from 'react';

import { inWords } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';

import { awaitAnswer } from './answers.ts';
import { compose, type Wish } from './request.ts';
import { machineTokens, type MachineWish, secretOf, type Tokens, tokensOf } from './tokens.ts';

export interface Run {
  isRunning: boolean;
  tokens: Tokens | undefined;
  failure: string | undefined;
  signIn: (wish: Wish) => void;
  asMachine: (wish: MachineWish) => void;
}

/** Runs a request for real. Tokens are kept while the screen is open, and nowhere else. */
export function useRun(issuer: string): Run {
  const mayReadSecrets = useMay()('read:client_keys');
  const [isRunning, setRunning] = useState(false);
  const [tokens, setTokens] = useState<Tokens>();
  const [failure, setFailure] = useState<string>();
  const last = useRef<AbortController>(undefined);

  const run = useCallback(async (work: (signal: AbortSignal) => Promise<Tokens>) => {
    last.current?.abort();
    const controller = new AbortController();
    last.current = controller;
    setRunning(true);
    setFailure(undefined);
    setTokens(undefined);
    try {
      setTokens(await work(controller.signal));
    } catch (error) {
      if (!controller.signal.aborted) setFailure(inWords(error));
    } finally {
      if (last.current === controller) setRunning(false);
    }
  }, []);

  const signIn = (wish: Wish) => {
    // At once: browsers open windows only while somebody clicks.
    const popup = window.open('about:blank', 'chancery-playground', 'popup,width=480,height=720');
    void run(async (signal) => {
      if (!popup) throw new Error('The browser did not let a window open. Allow it for this page, and run it again.');
      const composed = await compose(issuer, wish);
      popup.location.href = composed.url;
      const answer = await awaitAnswer(composed.state, popup, signal);
      popup.close();
      const secret = wish.flow !== 'implicit' && mayReadSecrets ? await secretOf(wish.clientId) : undefined;
      return tokensOf(issuer, wish, composed, answer, secret);
    });
  };
  const asMachine = (wish: MachineWish) => {
    void run(async () => machineTokens(issuer, wish, mayReadSecrets ? await secretOf(wish.clientId) : undefined));
  };
  return { isRunning, tokens, failure, signIn, asMachine };
}
