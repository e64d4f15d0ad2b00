// @auth0/auth0-mcp-server: the tools that assistants get lead to this server, by token and domain from the environment.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { installSecretLibrary, interopFolder } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';
import { startChancery } from '../lib/server.mjs';

export default {
  'lists its tools and calls them': async ({ after }) => {
    installSecretLibrary();
    // It takes a name without a dot for a tenant of its vendor's, so a server of its own.
    const chancery = await startChancery({ host: '127.0.0.1', database: null });
    after(() => chancery.stop());
    const { https_issuer, clients, api } = chancery;
    const script = start(process.execPath, [join(interopFolder, 'lib/mcp-client.mjs')], {
      env: { NODE_EXTRA_CA_CERTS: chancery.ca_file, CHANCERY: JSON.stringify({ https_issuer, clients, api }) },
    });
    assert.equal(await script.ended, 0, script.output);
    assert.match(script.output, /done with \d+ tools/);
  },
};
