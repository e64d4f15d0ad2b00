import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';

import { Code } from '~/components/code.tsx';
import { firstName } from '~/components/names.ts';
import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { usePage } from '~/components/use-page.ts';

import { organizationsOfQuery, PER_PAGE } from './data.ts';

const route = getRouteApi('/users/$id/organizations');

/** To which organizations they belong. Roles in them are given there. */
export function UserOrganizations() {
  const { id } = route.useParams();
  const [page, setPage] = usePage();
  const organizations = useQuery(organizationsOfQuery(id, page));
  return (
    <div className="panel">
      <Answer query={organizations} rows={3}>
        {(data) =>
          data.organizations.length === 0 ? (
            <Empty title="No organization" text="They are a member of none. Members are added, and given roles, in the organization." />
          ) : (
            <>
              <Table cards label="Organizations">
                <Table.Head columns={['Name', 'In requests']} />
                <Table.Tbody>
                  {data.organizations.map((one) => (
                    <Table.Tr key={one.id}>
                      <Table.Td>
                        <Link className="row-link" to="/organizations/$id/members" params={{ id: one.id }}>
                          {firstName(one.display_name, one.name)}
                        </Link>
                      </Table.Td>
                      <Table.Td>
                        <Code>{one.name}</Code>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
              <Pager page={page} perPage={PER_PAGE} total={data.total} onPage={setPage} />
            </>
          )
        }
      </Answer>
    </div>
  );
}
