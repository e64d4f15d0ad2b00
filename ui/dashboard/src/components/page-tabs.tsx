import { Tabs } from '@mantine/core';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

import { useMay } from '~/auth/session.tsx';
import type { Scope } from '~/auth/scopes.ts';

export interface PageTab {
  path: string;
  label: string;
  needs: readonly Scope[];
}

/** The sides of one thing, each with an address below that of the thing: `base` is `/dashboard/things/ID`. */
export function PageTabs({ base, tabs }: { base: string; tabs: readonly PageTab[] }) {
  const may = useMay();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const last = path.split('/').at(-1);
  const tab = tabs.find((one) => one.path === last)?.path ?? tabs[0]?.path ?? '';
  // On phones there are more tabs than fit: the open one is brought into sight.
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const show = () => {
      const open = list.current?.querySelector<HTMLElement>('[aria-selected=true]');
      if (open && list.current) list.current.scrollLeft = open.offsetLeft - (list.current.clientWidth - open.offsetWidth) / 2;
    };
    show();
    window.addEventListener('resize', show);
    return () => window.removeEventListener('resize', show);
  }, [tab]);
  return (
    <Tabs value={tab} onChange={(next) => void navigate({ href: `${base}/${next}` })}>
      <Tabs.List ref={list} className="tabs" mb="lg" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
        {tabs
          .filter(({ needs }) => may(...needs))
          .map(({ path: value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
      </Tabs.List>
      <Tabs.Panel value={tab}>
        <Outlet />
      </Tabs.Panel>
    </Tabs>
  );
}
