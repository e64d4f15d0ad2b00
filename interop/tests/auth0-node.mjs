// The management client of npm's auth0: applications, APIs, users, roles, organizations, paging and errors.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { interopFolder } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';

export default {
  'configures a tenant over TLS': async ({ chancery }) => {
    // The certificate authority is read when a process starts.
    const script = start(process.execPath, [join(interopFolder, 'lib/auth0-node.mjs')], {
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: chancery.ca_file,
        DOMAIN: new URL(chancery.https_issuer).host,
        CLIENT_ID: chancery.clients.management.client_id,
        CLIENT_SECRET: chancery.clients.management.client_secret,
      },
    });
    assert.equal(await script.ended, 0, script.output);
    assert.match(script.output, /done/);
  },
};
