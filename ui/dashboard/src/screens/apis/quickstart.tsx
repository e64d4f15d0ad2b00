import { Alert, Stack, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';

import { useAdministrator } from '~/auth/session.tsx';
import { Code, CodeBlock } from '~/components/code.tsx';
import { Answer } from '~/components/states.tsx';

import { type Api, apiQuery } from './data.ts';
import { factsOf, QUICKSTARTS } from './quickstart-code/index.ts';

const route = getRouteApi('/apis/$id/quickstart');

/** Code that protects this API, to be copied. */
export function ApiQuickstart() {
  const { id } = route.useParams();
  return <Answer query={useQuery(apiQuery(id))}>{(api) => <Snippets api={api} />}</Answer>;
}

function Snippets({ api }: { api: Api }) {
  const { language = 'express' } = route.useSearch();
  const navigate = route.useNavigate();
  const { audience } = useAdministrator();
  const facts = factsOf(api, new URL('/', audience).href);
  return (
    <Stack>
      {api.signing_alg === 'HS256' ? (
        <Alert color="yellow">
          This API’s tokens are signed with a secret (HS256), which each of these programs would need instead of the issuer’s keys. A signing
          algorithm with keys, such as RS256, is the better choice; it is in the{' '}
          <Link to="/apis/$id/settings" params={{ id: api.id }}>
            settings
          </Link>
          .
        </Alert>
      ) : null}
      {(api.scopes ?? []).length === 0 ? (
        <Alert color="yellow">
          This API has no scopes yet; <Code>read:things</Code> stands for one. Add them in the{' '}
          <Link to="/apis/$id/permissions" params={{ id: api.id }}>
            permissions
          </Link>
          .
        </Alert>
      ) : null}
      <Tabs
        value={language}
        variant="pills"
        onChange={(next) => next !== null && void navigate({ search: { language: next }, replace: true })}
      >
        <Tabs.List mb="md">
          {QUICKSTARTS.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {QUICKSTARTS.map(({ id, label, snippets }) => (
          <Tabs.Panel key={id} value={id}>
            <Stack>
              {snippets(facts).map(({ name, text }, index) => (
                <div key={index}>
                  <Text size="sm" fw={560} mb={4}>
                    {name}
                  </Text>
                  <CodeBlock text={text} what={`${label}: ${name}`} />
                </div>
              ))}
            </Stack>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}
