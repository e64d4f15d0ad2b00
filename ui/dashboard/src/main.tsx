import './mantine.css';
import './styles.css';

import { createRoot } from 'react-dom/client';

import { App } from './app.tsx';
import { nonce } from './nonce.ts';

// What locks scrolling behind dialogs writes a style element too, and looks here (the package `get-nonce`).
Object.assign(globalThis, { __webpack_nonce__: nonce() });

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
