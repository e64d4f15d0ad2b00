// How an answer comes back from the window that was sent to sign in: over a channel of this origin, by its state.
const CHANNEL = 'chancery-playground';

export interface Answer {
  /** Whatever the server put into the address. */
  parameters: Record<string, string>;
}

/** On the callback page: hands over what came in the address. */
export function handOver(location: Location): Answer {
  const answer = { parameters: { ...all(location.search), ...all(location.hash) } };
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(answer);
  channel.close();
  return answer;
}

function all(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text.replace(/^[?#]/, '')));
}

/** Resolves to the answer for this state; rejects when the window was closed before. */
export function awaitAnswer(state: string, popup: Window, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(CHANNEL);
    const watch = setInterval(() => {
      if (popup.closed) end(() => reject(new Error('The window was closed before it was done.')));
    }, 500);
    const end = (settle: () => void) => {
      clearInterval(watch);
      channel.close();
      settle();
    };
    signal.addEventListener('abort', () => end(() => reject(new Error('Another run was started.'))));
    channel.addEventListener('message', (event: MessageEvent<Answer>) => {
      if (event.data.parameters.state === state) end(() => resolve(event.data));
    });
  });
}
