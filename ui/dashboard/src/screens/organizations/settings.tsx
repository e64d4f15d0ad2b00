import { TextInput, Text } from '@mantine/core';
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

import { type Organization, organizationQuery } from './data.ts';

const route = getRouteApi('/organizations/$id/settings');

export function OrganizationSettings() {
  const { id } = route.useParams();
  return <Answer query={useQuery(organizationQuery(id))}>{(organization) => <Settings key={organization.id} organization={organization} />}</Answer>;
}

function Settings({ organization }: { organization: Organization }) {
  const { values, changed, count, set, reset } = useDraft(organization);
  const off = !useMay()('update:organizations');
  const save = useMutation({
    mutationFn: () => callAs(management.PATCH('/organizations/{id}', { params: { path: { id: organization.id } }, body: changed as { name?: string; display_name?: string } })),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['organizations'] });
      reset();
      done('The organization was saved');
    },
  });
  return (
    <>
      <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => save.mutate()}>
        <FormSection title="General">
          <TextInput label="Name" required disabled={off} value={values.name} onChange={(event) => set('name', event.currentTarget.value)} />
          <TextInput
            label="Name that is shown" disabled={off} value={values.display_name ?? ''}
            onChange={(event) => set('display_name', event.currentTarget.value)}
          />
          <Fact label="Id" text="For the Management API.">
            <CopyableCode value={organization.id} what="id" />
          </Fact>
        </FormSection>
      </SettingsForm>
      <May scope="delete:organizations">
        <DeleteOrganization organization={organization} />
      </May>
    </>
  );
}

function DeleteOrganization({ organization }: { organization: Organization }) {
  const confirm = useConfirm();
  const navigate = useNavigate();
  const ask = () =>
    confirm({
      title: `Delete ${organization.name}?`,
      effect: (
        <>
          <Text size="sm" mb="sm">
            Its members can no longer sign in to it, and their roles in it go. The users stay. There is no way back.
          </Text>
          <Effects operations={[{ operation: 'delete_organizations_by_id', path: { id: organization.id } }]} />
        </>
      ),
      action: 'Delete organization',
      typed: organization.name,
      run: async () => {
        await call(management.DELETE('/organizations/{id}', { params: { path: { id: organization.id } } }));
        await navigate({ to: '/organizations' });
        queryClient.removeQueries({ queryKey: organizationQuery(organization.id).queryKey });
        void queryClient.invalidateQueries({ queryKey: ['organizations'] });
        void queryClient.invalidateQueries({ queryKey: ['users'] });
        done(`${organization.name} was deleted`);
      },
    });
  return <Deletion title="Delete this organization" text="With its memberships and invitations. Users stay." action="Delete organization" ask={ask} />;
}
