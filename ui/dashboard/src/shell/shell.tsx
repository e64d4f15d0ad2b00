// What surrounds every screen: navigation on the left, search and the own account on top.
import { IconMenu2, IconX } from '@tabler/icons-react';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';

import mark from '~/mark.svg';

import { Account } from './account.tsx';
import { Navigation } from './navigation.tsx';
import { SearchButton, useSearchOpener } from './search-button.tsx';

const Search = lazy(() => import('./search.tsx'));

export function Shell() {
  const [isOpen, setOpen] = useState(false);
  const search = useSearchOpener();
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => setOpen(false), [path]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="shell-header">
        <button
          type="button"
          className="shell-burger"
          onClick={() => setOpen(!isOpen)}
          aria-expanded={isOpen}
          aria-controls="sections"
          aria-label={isOpen ? 'Close menu' : 'Open menu'}
        >
          {isOpen ? <IconX size={20} aria-hidden /> : <IconMenu2 size={20} aria-hidden />}
        </button>
        <span className="shell-brand">
          <img src={mark} alt="" width={24} height={24} />
          <span>Chancery</span>
        </span>
        <SearchButton open={search.open} />
        <Account />
      </header>
      <div className="shell-side" id="sections" data-open={isOpen}>
        <Navigation />
      </div>
      <main id="main" className="shell-main" tabIndex={-1}>
        <Outlet />
      </main>
      {search.isWanted ? (
        <Suspense>
          <Search isOpen={search.isOpen} close={search.close} />
        </Suspense>
      ) : null}
    </>
  );
}
