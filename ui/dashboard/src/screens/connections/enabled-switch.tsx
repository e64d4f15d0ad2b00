import { Switch, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { call, management } from '~/api/client.ts';
import { useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done, failed } from '~/components/notify.ts';

import { type Connection, nameOf } from './data.ts';

interface Props {
  connection: Connection;
  clientId: string;
  /** What tells it apart from the others on the screen. */
  label: string;
}

/** Whether users of a connection may sign in to an application. Off asks first. */
export function EnabledSwitch({ connection, clientId, label }: Props) {
  const queries = useQueryClient();
  const confirm = useConfirm();
  const isEditable = useMay()('update:connections');
  const name = nameOf(connection);
  const write = async (status: boolean) => {
    await call(management.PATCH('/connections/{id}/clients', { params: { path: { id: connection.id } }, body: [{ client_id: clientId, status }] }));
    await queries.invalidateQueries({ queryKey: ['connections'] });
    done(status ? `Users of ${name} may sign in` : `Users of ${name} may not sign in any more`);
  };
  const turn = useMutation({ mutationFn: write, onError: (error) => failed(error) });
  const change = (status: boolean) => {
    if (status) return turn.mutate(true);
    confirm({
      title: `Switch ${name} off here?`,
      effect: <Text size="sm">Users of {name} cannot sign in to this application any more. Whoever has tokens keeps them until they end.</Text>,
      action: 'Switch off',
      run: () => write(false),
    });
  };
  return (
    <Switch
      aria-label={label}
      checked={connection.enabled_clients?.includes(clientId) ?? false}
      disabled={!isEditable || turn.isPending}
      onChange={(event) => change(event.currentTarget.checked)}
    />
  );
}
