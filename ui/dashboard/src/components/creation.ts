import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';

import { done } from './notify.ts';

interface Creation<T> {
  make: () => Promise<T>;
  /** The first part of the keys of the lists that have one more now. */
  list: string;
  /** How it is called. */
  nameOf: (made: T) => string;
  /** Where it is, below `/dashboard/`. */
  address: (made: T) => string;
  close: () => void;
}

/** What a dialog does that makes something: says so, closes, and goes there. For the properties of `FormDialog`. */
export function useCreation<T>({ make, list, nameOf, address, close }: Creation<T>) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    // What was typed may be a password: it is forgotten with the dialog.
    gcTime: 0,
    mutationFn: make,
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: [list] });
      done(`${nameOf(made)} was created`);
      close();
      void navigate({ href: `/dashboard/${address(made)}` });
    },
  });
  return { isBusy: create.isPending, error: create.error?.message, close, submit: () => create.mutate() };
}
