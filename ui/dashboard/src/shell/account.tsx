import { lazy, Suspense, useState } from 'react';

import { AccountButton } from './account-button.tsx';

const load = () => import('./account-menu.tsx');
const AccountMenu = lazy(load);

/** The menu is fetched when somebody comes near it. */
export function Account() {
  const [isWanted, setWanted] = useState(false);
  const button = <AccountButton onPointerEnter={() => void load()} onFocus={() => void load()} onClick={() => setWanted(true)} />;
  return <div style={{ display: 'flex', marginLeft: 'auto' }}>{isWanted ? <Suspense fallback={button}><AccountMenu /></Suspense> : button}</div>;
}
