import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { Answer } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { apiQuery } from './data.ts';

const route = getRouteApi('/apis/$id/settings');

export function ApiSettings() {
  const { id } = route.useParams();
  const api = useQuery(apiQuery(id));
  return (
    <div className="panel">
      <Answer query={api}>
        {(data) => (
          <Table label="Settings">
            <Table.Tbody>
              <Fact name="Signing algorithm" value={data.signing_alg ?? 'RS256'} />
              <Fact name="Lifetime of tokens" value={`${data.token_lifetime ?? 86_400} seconds`} />
              <Fact name="Refresh tokens" value={data.allow_offline_access ? 'allowed' : 'not allowed'} />
              <Fact name="Users get" value={data.enforce_policies ? 'what their roles allow' : 'what applications ask for'} />
            </Table.Tbody>
          </Table>
        )}
      </Answer>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <Table.Tr>
      <Table.Th scope="row">{name}</Table.Th>
      <Table.Td>{value}</Table.Td>
    </Table.Tr>
  );
}
