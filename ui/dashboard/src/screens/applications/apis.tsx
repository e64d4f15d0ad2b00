// What an application may ask for: its client grants, API by API.
import { Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useState } from 'react';

import { useMay } from '~/auth/session.tsx';
import { MoreFound } from '~/components/more.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { type Api, apisQuery, PER_PAGE } from '~/screens/apis/data.ts';
import { type Grant, grantsQuery, type Subject } from '~/screens/apis/grants.ts';

import { type Application, applicationQuery } from './data.ts';

const GrantDialog = lazy(() => import('./grant-dialog.tsx'));
const route = getRouteApi('/applications/$id/apis');

export function ApplicationApis() {
  const { id } = route.useParams();
  const application = useQuery(applicationQuery(id));
  const grants = useQuery(grantsQuery({ client_id: id }));
  const [words, setWords] = useState('');
  const [page, setPage] = useState(0);
  const apis = useQuery(apisQuery(words.trim() === '' ? undefined : words, page));
  const look = useCallback((text: string) => {
    setWords(text);
    setPage(0);
  }, []);
  return (
    <div className="panel">
      <Group p="sm">
        <SearchField label="Search APIs" value={words} onChange={look} />
      </Group>
      <Answer query={application}>
        {(data) => (
          <Answer query={grants}>
            {(held) => (
              <Answer query={apis}>
                {(found) =>
                  found.apis.length === 0 ? (
                    <Empty title="No API" text="There is no API of this name." />
                  ) : (
                    <Grants application={data} grants={held} apis={found.apis} />
                  )
                }
              </Answer>
            )}
          </Answer>
        )}
      </Answer>
      {apis.data?.total === undefined ? null : <Pager page={page} perPage={PER_PAGE} total={apis.data.total} onPage={setPage} />}
      {apis.data?.hasMore ? <MoreFound /> : null}
    </div>
  );
}

interface Asked {
  api: Api;
  subject: Subject;
}

function Grants({ application, grants, apis }: { application: Application; grants: Grant[]; apis: Api[] }) {
  const [asked, setAsked] = useState<Asked>();
  const find = (api: Api, subject: Subject) =>
    grants.find((grant) => grant.audience === api.identifier && (grant.subject_type ?? 'client') === subject);
  return (
    <>
      <Table cards label="APIs">
        <Table.Head columns={['API', 'In the name of users', 'In its own name']} />
        <Table.Tbody>
          {apis.map((api) => (
            <Table.Tr key={api.id}>
              <Table.Td>
                <Link to="/apis/$id/applications" params={{ id: api.id }} search={{ client: application.client_id }} className="plain-link">
                  {api.name ?? api.identifier}
                </Link>
              </Table.Td>
              {(['user', 'client'] as const).map((subject) => (
                <Table.Td key={subject}>
                  <Access api={api} subject={subject} application={application} grant={find(api, subject)} ask={() => setAsked({ api, subject })} />
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Suspense>
        {asked ? (
          <GrantDialog
            application={application}
            api={asked.api}
            subject={asked.subject}
            grant={find(asked.api, asked.subject)}
            close={() => setAsked(undefined)}
          />
        ) : null}
      </Suspense>
    </>
  );
}

interface AccessProps extends Asked {
  application: Application;
  grant: Grant | undefined;
  ask: () => void;
}

function Access({ api, subject, application, grant, ask }: AccessProps) {
  const may = useMay();
  const isEditable = may('create:client_grants', 'update:client_grants') && grant?.is_system !== true;
  const isPossible = subject === 'user' || application.grant_types?.includes('client_credentials');
  const who = subject === 'user' ? 'In the name of users' : 'In its own name';
  return (
    <>
      <span className="card-label">{who}: </span>
      {isPossible || grant ? (
        <>
          {said(api, subject, grant)}
          {isEditable ? (
            <Button size="compact-sm" variant="subtle" ml={4} onClick={ask} aria-label={`${grant ? 'Change' : 'Grant'} access to ${api.name ?? api.identifier}: ${who.toLowerCase()}`}>
              {grant ? 'Change' : 'Grant'}
            </Button>
          ) : null}
        </>
      ) : (
        <Text span size="sm" c="dimmed">
          it has no client credentials grant type
        </Text>
      )}
    </>
  );
}

function said(api: Api, subject: Subject, grant: Grant | undefined): string {
  const policies = (api.subject_type_authorization ?? {}) as { [Kind in Subject]?: { policy?: string } };
  const policy = policies[subject]?.policy ?? (subject === 'user' ? 'allow_all' : 'require_client_grant');
  if (policy === 'deny_all') return 'the API allows it to none';
  if (grant?.allow_all_scopes) return 'every scope';
  const count = grant?.scope?.length ?? 0;
  if (grant) return count === 1 ? '1 scope' : `${count} scopes`;
  return policy === 'allow_all' ? 'every scope: the API asks for no grant' : 'none';
}
