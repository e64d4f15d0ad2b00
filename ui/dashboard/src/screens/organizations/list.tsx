import { Button, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback } from 'react';

import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { MoreFound } from '~/components/more.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { type Organization, organizationsQuery, nameOf, PER_PAGE } from './data.ts';

const CreateOrganization = lazy(() => import('./create.tsx'));
const route = getRouteApi('/organizations/');

export function OrganizationList() {
  const { q, page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const organizations = useQuery(organizationsQuery(q, page));
  const [isCreating, creating] = useDisclosure();
  const look = useCallback((text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true }), [navigate]);
  const create = (
    <May scope="create:organizations">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={creating.open}>
        Create organization
      </Button>
    </May>
  );
  return (
    <Page title="Organizations" lead="Customers or teams. Members sign in to them, and have roles that hold there alone." actions={create}>
      <div className="panel">
        <Group p="sm">
          <SearchField label="Search organizations" value={q ?? ''} onChange={look} />
        </Group>
        <Answer query={organizations}>
          {(data) =>
            data.organizations.length === 0 ? <Nothing q={q} action={create} /> : <Rows organizations={data.organizations} />
          }
        </Answer>
        {organizations.data?.hasMore ? <MoreFound /> : null}
        {organizations.data?.total === undefined ? null : (
          <Pager
            page={page}
            perPage={PER_PAGE}
            total={organizations.data.total}
            onPage={(next) => void navigate({ search: next === 0 ? {} : { page: next } })}
          />
        )}
      </div>
      <Suspense>{isCreating ? <CreateOrganization close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ organizations }: { organizations: Organization[] }) {
  return (
    <Table cards label="Organizations">
      <Table.Head columns={['Name', 'In requests']} />
      <Table.Tbody>
        {organizations.map((organization) => {
          return (
            <Table.Tr key={organization.id}>
              <Table.Td>
                <Link className="row-link" to="/organizations/$id/members" params={{ id: organization.id }}>
                  {nameOf(organization)}
                </Link>
              </Table.Td>
              <Table.Td>
                <Code>{organization.name}</Code>
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

function Nothing({ q, action }: { q: string | undefined; action: ReactNode }) {
  if (q !== undefined) return <Empty title="No organization is called that" text="Names are found by the beginnings of their words." />;
  return <Empty title="No organization yet" text="Make one for each customer whose people sign in together." action={action} />;
}
