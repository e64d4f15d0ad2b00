import { Group, NumberInput, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';

import { call, callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { CopyableCode } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Deletion } from '~/components/deletion.tsx';
import { Effects } from '~/components/effects.tsx';
import { Fact } from '~/components/fields.tsx';
import { FormSection, SettingsForm, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';

import { type Connection, connectionQuery, type DatabaseOptions, nameOf } from './data.ts';
import { PasswordRules } from './password-rules.tsx';

const route = getRouteApi('/connections/$id/settings');

export function ConnectionSettings() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(connectionQuery(id))}>
      {(connection) =>
        connection.strategy === 'auth0' ? (
          <Settings key={connection.id} connection={connection} />
        ) : (
          <Empty title="Not a database" text="Connections of other kinds are kept for tools. Nobody signs in with them yet." />
        )
      }
    </Answer>
  );
}

function Settings({ connection }: { connection: Connection }) {
  const shown = useDraft({ display_name: connection.display_name ?? '' });
  const options = useDraft<DatabaseOptions>(connection.options ?? {});
  const off = !useMay()('update:connections');
  const save = useMutation({
    mutationFn: () => {
      // Options are written as a whole: what is not told is gone.
      const body = { ...shown.changed, ...(options.count === 0 ? {} : { options: options.values }) };
      return callAs(management.PATCH('/connections/{id}', { params: { path: { id: connection.id } }, body: body as never }));
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['connections'] });
      shown.reset();
      options.reset();
      done('The settings were saved');
    },
  });
  return (
    <>
      <SettingsForm changes={shown.count + options.count}
          isSaving={save.isPending}
          error={save.error?.message}
          reset={() => {
            shown.reset();
            options.reset();
          }} save={() => save.mutate()}>
        <FormSection title="General">
          <TextInput
            label="Name that is shown" disabled={off} value={shown.values.display_name}
            onChange={(event) => shown.set('display_name', event.currentTarget.value)}
          />
          <Fact label="Name" text="Requests name it so.">
            <CopyableCode value={connection.name} what="name" />
          </Fact>
          <Fact label="Id" text="For the Management API.">
            <CopyableCode value={connection.id} what="id" />
          </Fact>
        </FormSection>
        <FormSection title="Users">
          <Switch
            label="Nobody may sign up" description="Users are made here, through the Management API or by import." disabled={off}
            checked={options.values.disable_signup ?? false}
            onChange={(event) => options.set('disable_signup', event.currentTarget.checked)}
          />
          {options.values.attributes === undefined ? <UserNames {...options} disabled={off} /> : null}
        </FormSection>
        <FormSection
          title="Passwords"
          text="For new passwords; those that users have stay as they are. Rules that you do not touch go on as they were."
        >
          <PasswordRules
            rules={options.values.password_options ?? {}} level={options.values.passwordPolicy} disabled={off}
            onChange={(rules) => options.set('password_options', rules)}
          />
        </FormSection>
      </SettingsForm>
      <May scope="delete:connections">
        <DeleteConnection connection={connection} />
      </May>
    </>
  );
}

type Draft = Pick<ReturnType<typeof useDraft<DatabaseOptions>>, 'values' | 'set'>;

function UserNames({ values, set, disabled }: Draft & { disabled: boolean }) {
  const bounds = values.validation?.username ?? { min: 1, max: 128 };
  const bound = (member: 'min' | 'max', label: string) => (
    <NumberInput
      label={label} min={1} max={128} clampBehavior="blur" allowDecimal={false} hideControls disabled={disabled} value={bounds[member]}
      onChange={(value) => typeof value === 'number' && set('validation', { ...values.validation, username: { ...bounds, [member]: value } })}
    />
  );
  return (
    <>
      <Switch
        label="Users have user names" description="Beside the address, and they sign in with either." disabled={disabled}
        checked={values.requires_username ?? false} onChange={(event) => set('requires_username', event.currentTarget.checked)}
      />
      {values.requires_username ? (
        <Group grow>
          {bound('min', 'Characters at least')}
          {bound('max', 'Characters at most')}
        </Group>
      ) : null}
    </>
  );
}

function DeleteConnection({ connection }: { connection: Connection }) {
  const confirm = useConfirm();
  const navigate = useNavigate();
  const { id } = connection;
  const ask = () =>
    confirm({
      title: `Delete ${nameOf(connection)}?`,
      effect: (
        <>
          <Text size="sm" mb="sm">
            Its users are deleted with it. There is no way back.
          </Text>
          <Effects operations={[{ operation: 'delete_connections_by_id', path: { id } }]} />
        </>
      ),
      action: 'Delete database',
      typed: connection.name,
      run: async () => {
        await call(management.DELETE('/connections/{id}', { params: { path: { id } } }));
        await navigate({ to: '/connections' });
        queryClient.removeQueries({ queryKey: connectionQuery(id).queryKey });
        void queryClient.invalidateQueries({ queryKey: ['connections'] });
        void queryClient.invalidateQueries({ queryKey: ['users'] });
        done(`${connection.name} was deleted`);
      },
    });
  return <Deletion title="Delete this database" text="With all its users." action="Delete database" ask={ask} />;
}
