// Asks for a token as an application would, and says of each scope why it is in it or not.
import { Alert, Button, Group, Select, Stack, Switch, TagsInput, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlayerPlay } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';

import { ApiError, call, management } from '~/api/client.ts';
import { useAdministrator, useMay } from '~/auth/session.tsx';
import { ApiSelect } from '~/components/api-select.tsx';
import { ApplicationSelect } from '~/components/application-select.tsx';
import { CodeBlock } from '~/components/code.tsx';
import { OrganizationSelect } from '~/components/organization-select.tsx';
import { Page } from '~/components/page.tsx';
import { Failure, Loading } from '~/components/states.tsx';
import { type Api, apisQuery } from '~/screens/apis/data.ts';
import { type Application, applicationsByIdQuery, applicationsQuery } from '~/screens/apis/grants.ts';

import { CallbackNotice, hasCallback } from './callback-notice.tsx';
import { explain, type Explanation, type Flow } from './explain.ts';
import { Explained } from './explained.tsx';
import { callbackUrl, shownRequest, type Wish } from './request.ts';
import { Result } from './result.tsx';
import { UserSelect } from './user-select.tsx';
import { useRun } from './run.ts';

const route = getRouteApi('/playground/');

const FLOWS = [
  { value: 'authorization_code', label: 'A user signs in (authorization code with PKCE)' },
  { value: 'implicit', label: 'A user signs in (implicit)' },
  { value: 'client_credentials', label: 'The application in its own name (client credentials)' },
];
const STANDARD = ['openid', 'profile', 'email', 'offline_access'];

/** The API that the address names; the first of the tenant's own where it names none. */
function useApi(audience: string | undefined) {
  const first = useQuery(apisQuery(undefined, 0));
  const named = useQuery({
    queryKey: ['apis', 'named', audience],
    // Nobody knows it: that is what the explanation says.
    queryFn: () => call<Api>(management.GET('/resource-servers/{id}', { params: { path: { id: audience ?? '' } } })).catch(orNothing),
    enabled: audience !== undefined && audience !== '',
  });
  const isSettled = audience === '' || (audience === undefined ? !first.isPending : !named.isPending);
  const api = audience === undefined ? first.data?.apis.find(({ is_system: isOurs }) => !isOurs) : (named.data ?? undefined);
  return { api, isSettled, error: first.error ?? named.error };
}

function orNothing(error: unknown): null {
  if (error instanceof ApiError && error.status === 404) return null;
  throw error;
}

export function Playground() {
  const applications = useQuery(applicationsQuery(''));
  const { audience } = route.useSearch();
  const { api, isSettled, error: refused } = useApi(audience);
  const error = refused ?? applications.error;
  return (
    <Page
      title="Playground"
      lead="Compose a request as an application would send it, see what would come of each scope and why, and run it for real."
    >
      {error ? <Failure error={error} /> : null}
      {isSettled && applications.data ? <Bench api={api} applications={applications.data.applications} /> : error ? null : <Loading />}
    </Page>
  );
}

function Bench({ api, applications }: { api: Api | undefined; applications: Application[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const issuer = new URL('/', useAdministrator().audience).href;
  const [asksAnew, setAsksAnew] = useState(false);
  const change = (next: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true });

  const flow: Flow = search.flow ?? 'authorization_code';
  const named = search.client === undefined || applications.some(({ client_id: id }) => id === search.client) ? [] : [search.client];
  const others = useQuery(applicationsByIdQuery(named));
  const application = [...applications, ...(others.data ?? [])].find(({ client_id: id }) => id === search.client) ?? applications.find(({ app_type }) => app_type === 'spa') ?? applications[0];
  const audience = search.audience === '' ? undefined : (search.audience ?? api?.identifier);
  const ownScopes = (api?.scopes ?? []).map(({ value }) => value);
  const isMachine = flow === 'client_credentials';
  const scope = search.scope ?? [...(isMachine ? [] : STANDARD.slice(0, 3)), ...ownScopes.slice(0, 3)].join(' ');
  const user = isMachine ? undefined : search.user;
  const { organization } = search;

  const question = application && {
    client_id: application.client_id,
    ...(audience === undefined ? {} : { audience }),
    scope,
    flow,
    ...(user === undefined ? {} : { user_id: user }),
    ...(organization === undefined ? {} : { organization }),
    ...(isMachine ? {} : { redirect_uri: callbackUrl(issuer) }),
  };
  const [asked] = useDebouncedValue(question, 150);
  const explanation = useQuery({
    queryKey: ['explain', asked],
    queryFn: () => (asked ? explain(asked) : Promise.reject(new Error('No application is chosen.'))),
    enabled: asked !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const wish: Wish | undefined =
    application && !isMachine
      ? { clientId: application.client_id, audience, scope, flow, loginHint: search.email, organization, asksAnew: asksAnew || user !== undefined }
      : undefined;
  const run = useRun(issuer);
  if (others.isLoading) return <Loading />;
  if (!application) return <Alert color="yellow">There is no application yet.</Alert>;
  const canRun = isMachine ? audience !== undefined : hasCallback(application, issuer);

  return (
    <div className="bench">
      <Stack>
        <form
          className="panel pad"
          onSubmit={(event) => {
            event.preventDefault();
            if (wish) run.signIn(wish);
            else if (audience !== undefined) run.asMachine({ clientId: application.client_id, audience, scope, organization });
          }}
        >
          <Stack gap="md">
            <ApplicationSelect
              label="Application"
              allowDeselect={false}
              chosen={application}
              onChoose={({ client_id: client }) => change({ client })}
            />
            <Select
              label="Way"
              allowDeselect={false}
              data={FLOWS}
              value={flow}
              onChange={(value) => change({ flow: value as Flow, scope: undefined })}
            />
            <ApiSelect
              label="API"
              clearable={!isMachine}
              placeholder="none: a token for /userinfo"
              description={api?.identifier ?? (audience === undefined ? undefined : `There is no API ${audience}.`)}
              chosen={api}
              onChoose={(next) => change({ audience: next?.identifier ?? '', scope: undefined })}
            />
            <TagsInput
              label="Scopes"
              description="Those that the API does not know may be asked for, too."
              data={[
                { group: 'Of the API', items: ownScopes },
                { group: 'Standard', items: STANDARD },
              ]}
              splitChars={[' ', ',']}
              value={scope === '' ? [] : scope.split(' ')}
              onChange={(values) => change({ scope: values.join(' ') })}
            />
            {isMachine || !may('read:users') ? null : (
              <UserSelect user={user} email={search.email} onChange={(chosen) => change({ user: chosen?.user_id, email: chosen?.email })} />
            )}
            {may('read:organizations') ? (
              <OrganizationSelect
                description={isMachine ? 'For which the application asks.' : 'To which the user signs in. Roles that they have in it count there.'}
                value={organization}
                onChange={(next) => change({ organization: next })}
              />
            ) : null}
            {isMachine || user !== undefined ? null : (
              <Switch
                label="Ask for the password again"
                description="prompt=login. Without it, whoever is signed in here is meant: you."
                checked={asksAnew}
                onChange={(event) => setAsksAnew(event.currentTarget.checked)}
              />
            )}
            {isMachine ? null : <CallbackNotice application={application} issuer={issuer} />}
            <Group>
              <Button type="submit" leftSection={<IconPlayerPlay size={16} aria-hidden />} loading={run.isRunning} disabled={!canRun}>
                Run it
              </Button>
            </Group>
            {user === undefined ? null : (
              <Text size="xs" c="dimmed">
                A window asks for this user’s password. Afterwards this browser is signed in as that user, so the dashboard asks for yours
                again when it next needs a token.
              </Text>
            )}
          </Stack>
        </form>
        {wish ? (
          <div>
            <Text size="sm" fw={560} mb={4}>
              The request
            </Text>
            <CodeBlock what="The request" text={shownRequest(issuer, wish)} wrap />
          </div>
        ) : null}
      </Stack>
      <Stack style={{ minWidth: 0 }}>
        <Result run={run} asked={scope} />
        {explanation.isError ? <Failure error={explanation.error} again={() => void explanation.refetch()} /> : null}
        {explanation.data ? (
          <Explained explanation={explanation.data as Explanation} ask={(more) => change({ scope: scope === '' ? more : `${scope} ${more}` })} again={() => void explanation.refetch()} />
        ) : explanation.isError ? null : (
          <Loading />
        )}
      </Stack>
    </div>
  );
}
