import { useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';

/** In the header. `Ctrl K` and `/` do the same. */
export function SearchButton({ open }: { open: () => void }) {
  return (
    <button type="button" className="search" onClick={open}>
      <IconSearch size={15} aria-hidden />
      <span>Search</span>
      <kbd>Ctrl K</kbd>
    </button>
  );
}

/** The search is fetched when it is wanted first. */
export function useSearchOpener() {
  const [isOpen, setOpen] = useState(false);
  const [isWanted, setWanted] = useState(false);
  const open = useCallback(() => {
    setWanted(true);
    setOpen(true);
  }, []);
  const close = useCallback(() => setOpen(false), []);
  // From within a field, too; a slash is a letter there.
  useHotkeys([['mod+K', open]], []);
  useHotkeys([['/', open]]);
  return useMemo(() => ({ isOpen, isWanted, open, close }), [isOpen, isWanted, open, close]);
}
