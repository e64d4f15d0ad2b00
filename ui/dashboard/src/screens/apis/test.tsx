// Tries what a machine would do: a token of an application for this API, decoded, and the call with it.
import { Alert, Button, Group, PasswordInput, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';

import { call, management } from '~/api/client.ts';
import { useAdministrator, useMay } from '~/auth/session.tsx';
import { CodeBlock } from '~/components/code.tsx';
import { DecodedToken } from '~/components/decoded-token.tsx';
import { Answer, Empty } from '~/components/states.tsx';

import { type Api, apiQuery } from './data.ts';
import { type Application, applicationsByIdQuery, grantsQuery } from './grants.ts';

const route = getRouteApi('/apis/$id/test');

export function ApiTest() {
  const { id } = route.useParams();
  return <Answer query={useQuery(apiQuery(id))}>{(api) => <Loaded api={api} />}</Answer>;
}

function Loaded({ api }: { api: Api }) {
  const grants = useQuery(grantsQuery({ audience: api.identifier }));
  const ids = (grants.data ?? []).flatMap(({ client_id: id, subject_type: subject }) => (subject === 'user' || id === undefined ? [] : [id]));
  const applications = useQuery(applicationsByIdQuery(ids));
  return (
    <Answer query={grants}>
      {() =>
        ids.length === 0 ? <Test api={api} machines={[]} /> : <Answer query={applications}>{(machines) => <Test api={api} machines={machines} />}</Answer>
      }
    </Answer>
  );
}

interface Tokens {
  access_token?: string;
  error_description?: string;
  error?: string;
}

function Test({ api, machines }: { api: Api; machines: Application[] }) {
  const issuer = new URL('/', useAdministrator().audience).href;
  const mayReadSecrets = useMay()('read:client_keys');
  const [clientId, setClientId] = useState(machines[0]?.client_id);
  const [typed, setTyped] = useState('');
  const ask = useMutation({
    mutationFn: async (id: string) => {
      const secret = typed === '' && mayReadSecrets ? await secretOf(id) : typed;
      const response = await fetch('/oauth/token', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ grant_type: 'client_credentials', client_id: id, client_secret: secret, audience: api.identifier }),
      });
      const tokens = (await response.json()) as Tokens;
      if (tokens.access_token === undefined) throw new Error(tokens.error_description ?? tokens.error ?? `The server answered ${response.status}.`);
      return tokens.access_token;
    },
    // A token is no result to be found again.
    gcTime: 0,
  });
  if (clientId === undefined) {
    return (
      <div className="panel">
        <Empty
          title="No application may ask in its own name"
          text="Give one access first; then it can be tried here."
          action={
            <Button component={Link} to="/apis/$id/applications" params={{ id: api.id } as never} search={{ access: 'client' } as never}>
              Give an application access
            </Button>
          }
        />
      </div>
    );
  }
  return (
    <Stack>
      <div className="panel pad">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            ask.mutate(clientId);
          }}
        >
          <Stack maw={520}>
            <Select
              label="Application"
              description="Those with a grant of their own for this API."
              searchable
              allowDeselect={false}
              data={machines.map(({ client_id: value, name }) => ({ value, label: name ?? value }))}
              value={clientId}
              onChange={(value) => value !== null && setClientId(value)}
            />
            {mayReadSecrets ? null : (
              <PasswordInput
                label="Client secret"
                description="Your token does not allow reading it."
                required
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
              />
            )}
            <Group>
              <Button type="submit" loading={ask.isPending}>
                Get a token
              </Button>
            </Group>
            {ask.isError ? (
              <Alert color="red" title="No token">
                {ask.error.message}
              </Alert>
            ) : null}
          </Stack>
        </form>
      </div>
      {ask.data === undefined ? null : (
        <>
          <div className="panel pad">
            <DecodedToken token={ask.data} what="Access token" />
          </div>
          <div className="panel pad">
            <Text size="sm" fw={560} mb={4}>
              Call your API with it
            </Text>
            <CodeBlock what="The call" wrap text={`curl -H "authorization: Bearer ${ask.data}" ${api.identifier.startsWith('http') ? api.identifier : 'https://your-api.example/'}`} />
          </div>
        </>
      )}
      <div className="panel pad">
        <Text size="sm" fw={560} mb={4}>
          The same by hand
        </Text>
        <CodeBlock
          what="The request for a token"
          text={`curl ${issuer}oauth/token \\
  -d grant_type=client_credentials \\
  -d client_id=${clientId} \\
  -d client_secret=... \\
  -d audience=${api.identifier}`}
        />
      </div>
    </Stack>
  );
}

/** Read for this one request, and kept nowhere. */
async function secretOf(id: string): Promise<string> {
  const query = { fields: 'client_secret', include_fields: true };
  const found = await call<{ client_secret?: string }>(management.GET('/clients/{id}', { params: { path: { id }, query } }));
  if (found.client_secret === undefined) throw new Error('This application has no secret; it cannot ask in its own name.');
  return found.client_secret;
}
