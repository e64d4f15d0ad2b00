import { Alert, Select, Switch, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useAdministrator, useMay } from '~/auth/session.tsx';
import { ApplicationSelect } from '~/components/application-select.tsx';
import { FormDialog } from '~/components/form-dialog.tsx';
import { done } from '~/components/notify.ts';
import type { Application } from '~/screens/apis/grants.ts';
import { RoleSelect } from '~/screens/roles/role-select.tsx';

import { enabledConnectionsQuery } from './data.ts';

const DAY = 86_400;
const LIFETIMES = [
  { value: String(DAY), label: 'a day' },
  { value: String(3 * DAY), label: '3 days' },
  { value: String(7 * DAY), label: 'a week' },
  { value: String(30 * DAY), label: '30 days' },
];

/** Asks somebody to join: who, where they will sign in, and what they may do then. */
export default function Invite({ organizationId, close }: { organizationId: string; close: () => void }) {
  const may = useMay();
  const { name: ownName } = useAdministrator();
  const [email, setEmail] = useState('');
  const [inviter, setInviter] = useState(ownName);
  const [application, setApplication] = useState<Application>();
  const [connection, setConnection] = useState<string | null>(null);
  const [roles, setRoles] = useState<string[]>([]);
  const [lifetime, setLifetime] = useState(String(7 * DAY));
  const [sends, setSends] = useState(true);
  const databases = useQuery({ ...enabledConnectionsQuery(organizationId), enabled: may('read:organization_connections') });
  const invite = useMutation({
    mutationFn: (clientId: string) =>
      call(
        management.POST('/organizations/{id}/invitations', {
          params: { path: { id: organizationId } },
          body: {
            inviter: { name: inviter.trim() },
            invitee: { email: email.trim() },
            client_id: clientId,
            ttl_sec: Number(lifetime),
            send_invitation_email: sends,
            ...(connection === null ? {} : { connection_id: connection }),
            ...(roles.length === 0 ? {} : { roles }),
          },
        }),
      ),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['organizations', organizationId, 'invitations'] });
      done(sends ? `An invitation goes to ${email.trim()}` : `${email.trim()} is invited: copy the link from the list`);
      close();
    },
  });
  return (
    <FormDialog
      title="Invite somebody"
      action="Invite"
      isBusy={invite.isPending}
      error={invite.error?.message}
      disabled={!application}
      close={close}
      submit={() => application && invite.mutate(application.client_id)}
    >
      <TextInput label="Address" type="email" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} data-autofocus />
      <TextInput
        label="In the name of" description="The message says who invites." required maxLength={300}
        value={inviter} onChange={(event) => setInviter(event.currentTarget.value)}
      />
      <ApplicationSelect
        label="Application"
        description="The link leads to its address that begins a sign-in (settings of the application), or to the tenant’s default one."
        placeholder="Choose an application"
        required
        allowDeselect={false}
        nothingFoundMessage="No application is called that"
        isOffered={({ grant_types: types }) => types === undefined || types.some((type) => type === 'authorization_code' || type === 'implicit')}
        chosen={application}
        onChoose={setApplication}
      />
      {(databases.data ?? []).length > 0 ? (
        <Select
          label="Database"
          placeholder="any database of the organization"
          clearable
          searchable
          data={(databases.data ?? []).map((one) => ({ value: one.connection_id, label: one.connection?.name ?? one.connection_id }))}
          value={connection}
          onChange={setConnection}
        />
      ) : databases.data ? (
        <Alert color="yellow">The organization has no database yet: nobody could sign in with the link. Switch one on under Connections first.</Alert>
      ) : null}
      {may('read:roles') ? (
        <RoleSelect label="Roles" description="What they are in this organization. Roles can be given later, too." value={roles} onChange={setRoles} />
      ) : null}
      <Select label="Good for" allowDeselect={false} data={LIFETIMES} value={lifetime} onChange={(value) => value !== null && setLifetime(value)} />
      <Switch
        label="Send it by mail"
        description="Otherwise you copy the link and hand it over yourself."
        checked={sends}
        onChange={(event) => setSends(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}
