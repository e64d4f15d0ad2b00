// A protected MCP server with two tools, as the guide shows it: the SDK's own middleware asks for tokens, and points to the
// description of the API that the authorization server hosts.
import { createServer } from 'node:http';
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

/** What each tool needs. */
const SCOPES = { write_note: ['read:notes', 'write:notes'] };

/** Serves `/mcp` for tokens of `issuer`; the API's identifier is the server's own address. */
export async function serveNotes(issuer) {
  const app = express();
  const server = createServer(app);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const identifier = `http://localhost:${server.address().port}/mcp`;
  const keys = createRemoteJWKSet(new URL(`${issuer}.well-known/jwks.json`));
  const verifier = {
    async verifyAccessToken(token) {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: identifier }).catch((error) => {
        throw new InvalidTokenError(error.message);
      });
      const scopes = (payload.scope ?? '').split(' ');
      return { token, clientId: payload.azp, scopes, expiresAt: payload.exp, extra: { sub: payload.sub } };
    },
  };
  const resourceMetadataUrl = `${issuer}.well-known/oauth-protected-resource?resource=${encodeURIComponent(identifier)}`;
  const asks = (requiredScopes) => requireBearerAuth({ verifier, requiredScopes, resourceMetadataUrl });
  const notes = [];
  app.post('/mcp', express.json(), (request, response, next) => {
    const tool = request.body?.method === 'tools/call' ? request.body.params?.name : undefined;
    return asks(SCOPES[tool] ?? ['read:notes'])(request, response, next);
  }, async (request, response) => {
    const mcp = notesServer(notes);
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    response.on('close', () => mcp.close());
    await mcp.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all('/mcp', (_, response) => response.status(405).end());
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { identifier, close };
}

function notesServer(notes) {
  const mcp = new McpServer({ name: 'notes', version: '1.0.0' });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  mcp.registerTool('read_notes', { description: 'Reads all notes' }, async ({ authInfo }) =>
    text(JSON.stringify({ notes, for: authInfo.extra.sub, by: authInfo.clientId })));
  mcp.registerTool('write_note', { description: 'Writes a note' }, async () => {
    notes.push('written');
    return text('done');
  });
  return mcp;
}
