// An API that accepts calls by the scopes of the access token.
//
//   GET    /contacts      needs read:contacts
//   DELETE /contacts/:id  needs delete:contacts
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { ISSUER = 'http://localhost:4000/', AUDIENCE = 'https://contacts.example/api', PORT = '3001' } = process.env;

const contacts = new Map([
  ['1', { id: '1', name: 'Ada Lovelace' }],
  ['2', { id: '2', name: 'Grace Hopper' }],
]);

const app = express();

// Signature, issuer, audience and expiry. The signing keys are found through the issuer's discovery document.
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE }));

app.get('/contacts', requiredScopes('read:contacts'), (request, response) => {
  response.json([...contacts.values()]);
});

app.delete('/contacts/:id', requiredScopes('delete:contacts'), (request, response) => {
  response.json({ deleted: contacts.delete(request.params.id) });
});

// 401 without a good token, 403 without the scope; the header WWW-Authenticate says which one is missing.
app.use((error, request, response, next) => {
  response
    .status(error.status ?? 500)
    .set(error.headers ?? {})
    .json({
      error: error.code ?? (error.status === 401 ? 'unauthorized' : 'server_error'),
      error_description: error.status ? error.message : 'Internal error',
    });
});

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
