import { Badge, Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback } from 'react';

import { May } from '~/auth/session.tsx';
import { CopyableCode } from '~/components/code.tsx';
import { MoreFound } from '~/components/more.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { type Application, type ApplicationPage, applicationsQuery, PER_PAGE } from './data.ts';
import { typeName } from './options.ts';

const CreateApplication = lazy(() => import('./create.tsx'));
const route = getRouteApi('/applications/');

export function ApplicationList() {
  const { q, page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const applications = useQuery(applicationsQuery(q, page));
  const [isCreating, creating] = useDisclosure();
  const look = useCallback((text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true }), [navigate]);
  const create = (
    <May scope="create:clients">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={creating.open}>
        Create application
      </Button>
    </May>
  );
  return (
    <Page
      title="Applications"
      lead="What asks for tokens: web and native applications in the name of their users, services in their own."
      actions={create}
    >
      <div className="panel">
        <Group p="sm">
          <SearchField label="Search applications" value={q ?? ''} onChange={look} />
        </Group>
        <Answer query={applications}>
          {(data) => (data.applications.length === 0 ? <Nothing q={q} action={create} /> : <Rows data={data} />)}
        </Answer>
        {applications.data?.total === undefined ? null : (
          <Pager
            page={page}
            perPage={PER_PAGE}
            total={applications.data.total}
            onPage={(next) => void navigate({ search: next === 0 ? {} : { page: next } })}
          />
        )}
      </div>
      <Suspense>{isCreating ? <CreateApplication close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ data }: { data: ApplicationPage }) {
  return (
    <>
      <Table cards label="Applications">
        <Table.Head columns={['Name', 'Type', 'Client id']} />
        <Table.Tbody>
          {data.applications.map((application) => (
            <Row key={application.client_id} application={application} />
          ))}
        </Table.Tbody>
      </Table>
      {data.hasMore ? <MoreFound /> : null}
    </>
  );
}

function Row({ application }: { application: Application }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Link className="row-link" to="/applications/$id/settings" params={{ id: application.client_id }}>
          {application.name ?? application.client_id}
        </Link>
        {application.is_first_party === false ? (
          <Badge color="yellow" ml={8}>
            Third party
          </Badge>
        ) : null}
      </Table.Td>
      <Table.Td>
        <Text size="sm">{typeName(application.app_type)}</Text>
      </Table.Td>
      <Table.Td>
        <span className="above-row">
          <CopyableCode value={application.client_id} what="client id" />
        </span>
      </Table.Td>
    </Table.Tr>
  );
}

function Nothing({ q, action }: { q: string | undefined; action: ReactNode }) {
  if (q !== undefined) {
    return <Empty title="No application is called that" text="Names are found by the beginnings of their words, client ids as a whole." />;
  }
  return <Empty title="No application yet" text="Register what is to sign users in, or to ask for tokens in its own name." action={action} />;
}
