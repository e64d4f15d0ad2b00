import { Textarea, TextInput, Text } from '@mantine/core';
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
import { Answer } from '~/components/states.tsx';

import { type Role, roleQuery } from './data.ts';

const route = getRouteApi('/roles/$id/settings');

export function RoleSettings() {
  const { id } = route.useParams();
  return <Answer query={useQuery(roleQuery(id))}>{(role) => <Settings key={role.id} role={role} />}</Answer>;
}

function Settings({ role }: { role: Role }) {
  const { values, changed, count, set, reset } = useDraft(role);
  const off = !useMay()('update:roles');
  const save = useMutation({
    mutationFn: () => callAs(management.PATCH('/roles/{id}', { params: { path: { id: role.id } }, body: changed as { name?: string; description?: string } })),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['roles'] });
      reset();
      done('The role was saved');
    },
  });
  return (
    <>
      <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => save.mutate()}>
        <FormSection title="General">
          <TextInput label="Name" required disabled={off} value={values.name} onChange={(event) => set('name', event.currentTarget.value)} />
          <Textarea
            label="Description"
            description="What people with it do."
            disabled={off}
            value={values.description ?? ''}
            onChange={(event) => set('description', event.currentTarget.value)}
          />
          <Fact label="Id" text="For the Management API.">
            <CopyableCode value={role.id} what="id" />
          </Fact>
        </FormSection>
      </SettingsForm>
      <May scope="delete:roles">
        <DeleteRole role={role} />
      </May>
    </>
  );
}

function DeleteRole({ role }: { role: Role }) {
  const confirm = useConfirm();
  const navigate = useNavigate();
  const ask = () =>
    confirm({
      title: `Delete ${role.name}?`,
      effect: (
        <>
          <Text size="sm" mb="sm">
            Whoever has it loses what it gives with their next token. There is no way back.
          </Text>
          <Effects operations={[{ operation: 'delete_roles_by_id', path: { id: role.id } }]} />
        </>
      ),
      action: 'Delete role',
      typed: role.name,
      run: async () => {
        await call(management.DELETE('/roles/{id}', { params: { path: { id: role.id } } }));
        await navigate({ to: '/roles' });
        queryClient.removeQueries({ queryKey: roleQuery(role.id).queryKey });
        void queryClient.invalidateQueries({ queryKey: ['roles'] });
        void queryClient.invalidateQueries({ queryKey: ['users'] });
        done(`${role.name} was deleted`);
      },
    });
  return <Deletion title="Delete this role" text="From everybody who has it." action="Delete role" ask={ask} />;
}
