import { Link } from '@tanstack/react-router';
import { Fragment } from 'react';

import { useMay } from '~/auth/session.tsx';
import { SECTIONS } from '~/screens/sections.ts';

/** The sections that whoever is signed in may see. */
export function Navigation() {
  const may = useMay();
  const sections = SECTIONS.filter((section) => may(...section.needs));
  return (
    <nav className="nav" aria-label="Sections">
      {sections.map(({ path, label, icon: Icon, group }, index) => (
        <Fragment key={path}>
          {group !== undefined && group !== sections[index - 1]?.group ? <div className="nav-group">{group}</div> : null}
          <Link to={path} activeOptions={{ exact: path === '/' }} activeProps={{ 'aria-current': 'page' }}>
            <Icon size={18} stroke={1.7} aria-hidden />
            {label}
          </Link>
        </Fragment>
      ))}
    </nav>
  );
}
