import { createRootRoute } from '@tanstack/react-router';

import { Shell } from './shell.tsx';

/** The root: every screen is within the shell. Sections hang their routes on it. */
export const shell = createRootRoute({ component: Shell });
