import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Where `npm run dev` finds the server: `chancery dev` beside it. */
const server = process.env.CHANCERY_URL ?? 'http://localhost:4000';

export default defineConfig({
  base: '/dashboard/',
  plugins: [react(), cleanDist(), compressed()],
  resolve: {
    alias: {
      '@chancery/management': path('../../clients/typescript/src/index.ts'),
      'openapi-fetch': path('node_modules/openapi-fetch'),
      '~': path('src'),
    },
  },
  build: {
    // The folder itself is kept: the server's build looks at it (crates/chancery/build.rs).
    emptyOutDir: false,
    // Files only: the policy of the page admits nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // Which files a screen needs, for the test of what the first load weighs.
    manifest: 'manifest.json',
    license: false,
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/oauth', '/authorize', '/u/', '/v2', '/userinfo', '/.well-known', '/dashboard/config.json'].map(
        (prefix) => [prefix, { target: server }],
      ),
    ),
  },
});

function cleanDist(): Plugin {
  return {
    name: 'clean-dist',
    apply: 'build',
    buildStart() {
      for (const name of ['assets', 'index.html', 'manifest.json']) {
        rmSync(path(`dist/${name}`), { recursive: true, force: true });
      }
    },
  };
}

/** Each text file once more, compressed: the server sends that to who takes it. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      const folder = path('dist/assets');
      for (const name of readdirSync(folder)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const raw = readFileSync(`${folder}/${name}`);
        const packed = gzipSync(raw, { level: 9 });
        if (packed.length < raw.length) writeFileSync(`${folder}/${name}.gz`, packed);
      }
    },
  };
}
