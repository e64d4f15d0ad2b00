// One dialog for everything that takes something away. It names what happens, and the button says it again.
import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useState } from 'react';

const ConfirmDialog = lazy(() => import('./confirm-dialog.tsx'));

export interface Confirmation {
  title: string;
  /** What comes of it, in a sentence or a list. */
  effect: ReactNode;
  /** The verb on the button: "Delete API". */
  action: string;
  /** It gives something rather than taking it away: the button is not red. */
  gives?: boolean;
  /** To be typed, where there is no way back and much hangs on it. */
  typed?: string;
  /** Does it. The dialog stays open and shows the error where this fails. */
  run: () => Promise<unknown>;
}

type Ask = (confirmation: Confirmation) => void;
const Asking = createContext<Ask>(() => {});

/** `const confirm = useConfirm(); confirm({ title, effect, action, run })`. */
export function useConfirm(): Ask {
  return useContext(Asking);
}

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Confirmation>();
  const [isOpen, setOpen] = useState(false);
  const ask = useCallback<Ask>((confirmation) => {
    setAsked(confirmation);
    setOpen(true);
  }, []);
  return (
    <Asking value={ask}>
      {children}
      {asked ? (
        <Suspense>
          <ConfirmDialog asked={asked} isOpen={isOpen} close={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </Asking>
  );
}
