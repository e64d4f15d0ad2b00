import { SimpleGrid, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { When } from '~/components/dates.tsx';
import { Deletion } from '~/components/deletion.tsx';
import { Fact } from '~/components/fields.tsx';
import { FormSection, JsonField, SettingsForm, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Answer } from '~/components/states.tsx';

import { nameOf, updateUser, type User, userQuery } from './data.ts';

const route = getRouteApi('/users/$id/profile');

/** Who they are, and what applications keep about them. */
export function UserProfile() {
  const { id } = route.useParams();
  return <Answer query={useQuery(userQuery(id))}>{(user) => <Profile key={user.user_id} user={user} />}</Answer>;
}

const TEXTS = [
  ['name', 'Name'],
  ['given_name', 'Given name'],
  ['family_name', 'Family name'],
  ['nickname', 'Nickname'],
] as const;

function Profile({ user }: { user: User }) {
  const { values, changed, count, set, reset } = useDraft(user);
  const off = !useMay()('update:users');
  const save = useMutation({
    mutationFn: () => updateUser(user.user_id, withNulls(changed)),
    onSuccess: () => {
      reset();
      done('The profile was saved');
    },
  });
  return (
    <>
      <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => save.mutate()}>
        <FormSection title="At a glance">
          <SimpleGrid cols={2} spacing="md">
            <Fact label="Last sign-in">
              <When at={user.last_login} />
              {user.last_ip ? ` from ${user.last_ip}` : ''}
            </Fact>
            <Fact label="Sign-ins">{user.logins_count ?? 0}</Fact>
            <Fact label="Created">
              <When at={user.created_at} none="not known" />
            </Fact>
            <Fact label="Signs in with">{user.identities?.map(({ connection }) => connection).join(', ')}</Fact>
          </SimpleGrid>
        </FormSection>
        <FormSection title="Profile" text="Applications that ask for profile and email read this.">
          <TextInput
            label="Address"
            type="email"
            disabled={off}
            value={values.email ?? ''}
            onChange={(event) => set('email', event.currentTarget.value)}
          />
          <Switch
            label="The address was confirmed"
            disabled={off}
            checked={values.email_verified ?? false}
            onChange={(event) => set('email_verified', event.currentTarget.checked)}
          />
          {TEXTS.map(([member, label]) => (
            <TextInput
              key={member}
              label={label}
              disabled={off}
              value={values[member] ?? ''}
              onChange={(event) => set(member, event.currentTarget.value)}
            />
          ))}
        </FormSection>
        <FormSection
          title="Metadata"
          text={
            <>
              JSON that applications keep. What is taken out here is set to <Code>null</Code>, which removes it.
            </>
          }
        >
          <JsonField
            label="Of the user (user_metadata)"
            description="They may change it themselves: no decision of yours should rest on it."
            disabled={off}
            value={values.user_metadata}
            onChange={(value) => set('user_metadata', (value ?? {}) as Record<string, unknown>)}
          />
          <JsonField
            label="Of the application (app_metadata)"
            description="Users cannot change it: plans, ids of other systems."
            disabled={off}
            value={values.app_metadata}
            onChange={(value) => set('app_metadata', (value ?? {}) as Record<string, unknown>)}
          />
        </FormSection>
      </SettingsForm>
      <May scope="delete:users">
        <DeleteUser user={user} />
      </May>
    </>
  );

  /** The server merges metadata: members that are gone are named, texts that were emptied go. */
  function withNulls(changes: Partial<User>): Record<string, unknown> {
    const patch: Record<string, unknown> = { ...changes };
    for (const [member] of TEXTS) if (patch[member] === '') patch[member] = null;
    for (const member of ['user_metadata', 'app_metadata'] as const) {
      const next = changes[member];
      if (next === undefined) continue;
      const gone = Object.keys(user[member] ?? {}).filter((name) => !(name in next));
      patch[member] = { ...next, ...Object.fromEntries(gone.map((name) => [name, null])) };
    }
    return patch;
  }
}

function DeleteUser({ user }: { user: User }) {
  const confirm = useConfirm();
  const navigate = useNavigate();
  const { user_id: id } = user;
  const name = nameOf(user);
  const ask = () =>
    confirm({
      title: `Delete ${name}?`,
      effect: (
        <Text size="sm">
          Their profile, password, roles, permissions, sessions, refresh tokens and consents go. Access tokens that applications have stay
          good until they end. There is no way back.
        </Text>
      ),
      action: 'Delete user',
      typed: user.email ?? name,
      run: async () => {
        await call(management.DELETE('/users/{id}', { params: { path: { id } } }));
        await navigate({ to: '/users' });
        queryClient.removeQueries({ queryKey: userQuery(id).queryKey });
        void queryClient.invalidateQueries({ queryKey: ['users'] });
        void queryClient.invalidateQueries({ queryKey: ['roles'] });
        done(`${name} was deleted`);
      },
    });
  return <Deletion title="Delete this user" text="To keep somebody out for a while, block them instead." action="Delete user" ask={ask} />;
}
