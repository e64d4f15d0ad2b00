import { Badge, Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback } from 'react';

import { May } from '~/auth/session.tsx';
import { MoreFound } from '~/components/more.tsx';
import { firstName } from '~/components/names.ts';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { type Api, type ApiPage, apisQuery, PER_PAGE } from './data.ts';

const CreateApi = lazy(() => import('./create.tsx'));
const route = getRouteApi('/apis/');

export function ApiList() {
  const { q, page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const apis = useQuery(apisQuery(q, page));
  const [isCreating, creating] = useDisclosure();
  const look = useCallback(
    (text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true }),
    [navigate],
  );
  const create = (
    <May scope="create:resource_servers">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={creating.open}>
        Create API
      </Button>
    </May>
  );
  return (
    <Page
      title="APIs"
      lead="What applications call with an access token. Each API has an identifier, the audience of its tokens, and scopes that say what a token allows."
      actions={create}
    >
      <div className="panel">
        <Group p="sm">
          <SearchField label="Search APIs" value={q ?? ''} onChange={look} />
        </Group>
        <Answer query={apis}>
          {(data) => (data.apis.length === 0 ? <Nothing q={q} action={create} /> : <Rows data={data} />)}
        </Answer>
        {apis.data?.total === undefined ? null : (
          <Pager
            page={page}
            perPage={PER_PAGE}
            total={apis.data.total}
            onPage={(next) => void navigate({ search: next === 0 ? {} : { page: next } })}
          />
        )}
      </div>
      <Suspense>{isCreating ? <CreateApi close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ data }: { data: ApiPage }) {
  return (
    <>
      <Table cards label="APIs">
        <Table.Head columns={['Name', 'Identifier', 'Scopes', 'Users get']} />
        <Table.Tbody>
          {data.apis.map((api) => (
            <Row key={api.id} api={api} />
          ))}
        </Table.Tbody>
      </Table>
      {data.hasMore ? <MoreFound /> : null}
    </>
  );
}

function Row({ api }: { api: Api }) {
  const count = api.scopes?.length ?? 0;
  return (
    <Table.Tr>
      <Table.Td>
        <Link className="row-link" to="/apis/$id/settings" params={{ id: api.id }}>
          {firstName(api.name, api.identifier)}
        </Link>
        {api.is_system ? (
          <Badge color="gray" ml={8}>
            System
          </Badge>
        ) : null}
      </Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {api.identifier}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{count === 0 ? 'none' : count === 1 ? '1 scope' : `${count} scopes`}</Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{api.enforce_policies || api.is_system ? 'what their roles allow' : 'what is asked for'}</Text>
      </Table.Td>
    </Table.Tr>
  );
}

function Nothing({ q, action }: { q: string | undefined; action: ReactNode }) {
  if (q !== undefined) {
    return <Empty title="No API is called that" text="Names are found by the beginnings of their words, identifiers as a whole." />;
  }
  return (
    <Empty
      title="No API yet"
      text="Register the API that you want to protect. Applications then ask for access to it by its identifier."
      action={action}
    />
  );
}
