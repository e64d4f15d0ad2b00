import { Checkbox, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Deletion } from '~/components/deletion.tsx';
import { Effects } from '~/components/effects.tsx';
import { Duration, Lines } from '~/components/fields.tsx';
import { FormSection, JsonField, SettingsForm, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Answer } from '~/components/states.tsx';

import { type Application, applicationQuery, type RefreshTokens, updateApplication } from './data.ts';
import { GRANT_TYPES, TYPES, typeName } from './options.ts';

const route = getRouteApi('/applications/$id/settings');

/** Everything that can be set of an application, but for how it proves itself. */
export function ApplicationSettings() {
  const { id } = route.useParams();
  return <Answer query={useQuery(applicationQuery(id))}>{(application) => <Settings key={application.client_id} application={application} />}</Answer>;
}

function Settings({ application }: { application: Application }) {
  const { values, changed, count, set, reset } = useDraft(application);
  const off = !useMay()('update:clients');
  const save = useMutation({
    mutationFn: () => updateApplication(application.client_id, changed),
    onSuccess: () => {
      reset();
      done('The settings were saved');
    },
  });
  const grantTypes = values.grant_types ?? [];
  const known: string[] = GRANT_TYPES.map(({ value }) => value);
  return (
    <>
      <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => save.mutate()}>
        <FormSection title="General">
          <TextInput
            label="Name"
            description="Users read it when they sign in."
            required
            disabled={off}
            value={values.name ?? ''}
            onChange={(event) => set('name', event.currentTarget.value)}
          />
          <Textarea
            label="Description"
            disabled={off}
            minRows={1}
            maxLength={140}
            value={values.description ?? ''}
            onChange={(event) => set('description', event.currentTarget.value)}
          />
          <Select
            label="Type"
            disabled={off}
            allowDeselect={false}
            data={typeChoices(application.app_type)}
            value={values.app_type ?? null}
            onChange={(value) => value !== null && set('app_type', value)}
          />
          <TextInput
            label="Logo"
            description="Address of a picture, for the sign-in and consent pages."
            type="url"
            disabled={off}
            value={values.logo_uri ?? ''}
            onChange={(event) => set('logo_uri', event.currentTarget.value)}
          />
        </FormSection>

        <FormSection title="Addresses" text="Where users may be sent, and which pages may call. Each address on a line of its own, compared letter by letter.">
          <Lines
            label="Callbacks"
            description="Where a sign-in may lead back to."
            placeholder="https://app.example/callback"
            disabled={off}
            value={values.callbacks}
            onChange={(value) => set('callbacks', value)}
          />
          <Lines
            label="After signing out"
            description="Where a sign-out may lead to (returnTo)."
            placeholder="https://app.example"
            disabled={off}
            value={values.allowed_logout_urls}
            onChange={(value) => set('allowed_logout_urls', value)}
          />
          <Lines
            label="Web origins"
            description="Pages that may renew a sign-in in silence and call the token endpoint."
            placeholder="https://app.example"
            disabled={off}
            value={values.web_origins}
            onChange={(value) => set('web_origins', value)}
          />
          <Lines
            label="Further origins for calls (CORS)"
            disabled={off}
            value={values.allowed_origins}
            onChange={(value) => set('allowed_origins', value)}
          />
          <TextInput
            label="Address that begins a sign-in"
            description="Where invitations and links lead, if this application is to start on its own."
            type="url"
            disabled={off}
            value={values.initiate_login_uri ?? ''}
            onChange={(event) => set('initiate_login_uri', event.currentTarget.value)}
          />
        </FormSection>

        <FormSection title="Grant types" text="The ways in which it may ask for tokens. What it does not use is better off.">
          <Checkbox.Group aria-label="Grant types" value={grantTypes} onChange={(value) => set('grant_types', value)}>
            <Stack gap="sm">
              {GRANT_TYPES.map(({ value, label, text }) => (
                <Checkbox key={value} value={value} label={label} description={text} disabled={off} />
              ))}
              {grantTypes
                .filter((type) => !known.includes(type))
                .map((type) => (
                  <Checkbox key={type} value={type} label={type} disabled={off} />
                ))}
            </Stack>
          </Checkbox.Group>
        </FormSection>

        <FormSection title="ID tokens" text="What says to the application who signed in. Access tokens are settings of the API.">
          <Duration
            label="Lifetime"
            min={1}
            max={157_788_000}
            unit="seconds"
            disabled={off}
            value={values.jwt_configuration?.lifetime_in_seconds}
            onChange={(value) => set('jwt_configuration', { ...values.jwt_configuration, lifetime_in_seconds: value })}
          />
          <Select
            label="Signing algorithm"
            data={['RS256', 'RS512', 'PS256', 'HS256']}
            disabled={off}
            allowDeselect={false}
            value={values.jwt_configuration?.alg ?? 'RS256'}
            onChange={(value) => value !== null && set('jwt_configuration', { ...values.jwt_configuration, alg: value })}
          />
        </FormSection>

        <FormSection title="Refresh tokens" text="How long it may go on without the user, where the API allows that.">
          <Refreshing tokens={values.refresh_token} off={off} onChange={(value) => set('refresh_token', value)} />
        </FormSection>

        <FormSection title="Trust">
          <Switch
            label="It is ours"
            description="A first-party application. Third parties need a grant for each API, and ask their users for consent."
            disabled={off}
            checked={values.is_first_party !== false}
            onChange={(event) => set('is_first_party', event.currentTarget.checked)}
          />
          <Select
            label="Organizations"
            data={[
              { value: 'deny', label: 'Users sign in as themselves' },
              { value: 'allow', label: 'Users may sign in to an organization' },
              { value: 'require', label: 'Users must sign in to an organization' },
            ]}
            disabled={off}
            allowDeselect={false}
            value={values.organization_usage ?? 'deny'}
            onChange={(value) => value !== null && set('organization_usage', value)}
          />
          <JsonField
            label="Metadata"
            description="Up to ten texts that this application's rules and tools may need."
            disabled={off}
            value={values.client_metadata}
            onChange={(value) => set('client_metadata', (value ?? {}) as Record<string, unknown>)}
          />
        </FormSection>
      </SettingsForm>
      <May scope="delete:clients">
        <DeleteApplication application={application} />
      </May>
    </>
  );
}

/** Types that are no longer offered keep their name. */
function typeChoices(now: string | undefined) {
  const offered = TYPES.map(({ value, label }) => ({ value: value as string, label: label as string }));
  return now === undefined || offered.some(({ value }) => value === now) ? offered : [...offered, { value: now, label: typeName(now) }];
}

const NO_REFRESH: RefreshTokens = { rotation_type: 'non-rotating', expiration_type: 'non-expiring' };

interface RefreshingProps {
  tokens: RefreshTokens | null | undefined;
  off: boolean;
  onChange: (tokens: RefreshTokens) => void;
}

function Refreshing({ tokens, off, onChange }: RefreshingProps) {
  const now = tokens ?? NO_REFRESH;
  const change = (more: Partial<RefreshTokens>) => {
    const next = { ...now, ...more };
    // A token that is exchanged each time has an end, as the wire wants it; one that never ends has no lifetimes.
    if (next.rotation_type === 'rotating') next.expiration_type = 'expiring';
    if (next.expiration_type === 'expiring') {
      next.infinite_token_lifetime ??= false;
      next.infinite_idle_token_lifetime ??= false;
    }
    onChange(next);
  };
  const expires = now.expiration_type === 'expiring';
  return (
    <>
      <Switch
        label="Rotate at each use"
        description="Each exchange gives a new refresh token. Whoever uses an old one ends them all: a stolen token shows itself."
        disabled={off}
        checked={now.rotation_type === 'rotating'}
        onChange={(event) =>
          change(event.currentTarget.checked
            ? { rotation_type: 'rotating', expiration_type: 'expiring', infinite_token_lifetime: false, infinite_idle_token_lifetime: false }
            : { rotation_type: 'non-rotating' })
        }
      />
      {now.rotation_type === 'rotating' ? (
        <Duration
          label="Grace"
          description="For how long the old token is still taken, for applications that ask twice at once."
          max={86_400}
          unit="seconds"
          disabled={off}
          value={now.leeway ?? 0}
          onChange={(leeway) => change({ leeway })}
        />
      ) : (
        <Switch
          label="They end"
          disabled={off}
          checked={expires}
          onChange={(event) =>
            change(event.currentTarget.checked
              ? { expiration_type: 'expiring', infinite_token_lifetime: false, infinite_idle_token_lifetime: false }
              : { expiration_type: 'non-expiring', infinite_token_lifetime: true, infinite_idle_token_lifetime: true })
          }
        />
      )}
      {expires ? (
        <>
          <Duration
            label="Longest life"
            min={1}
            max={157_788_000}
            unit="seconds"
            disabled={off}
            value={now.token_lifetime}
            onChange={(value) => change({ token_lifetime: value, infinite_token_lifetime: false })}
          />
          <Duration
            label="Life without use"
            min={1}
            max={157_788_000}
            unit="seconds"
            disabled={off}
            value={now.idle_token_lifetime}
            onChange={(value) => change({ idle_token_lifetime: value, infinite_idle_token_lifetime: false })}
          />
        </>
      ) : null}
    </>
  );
}

function DeleteApplication({ application }: { application: Application }) {
  const confirm = useConfirm();
  const navigate = useNavigate();
  const { client_id: id } = application;
  const name = application.name ?? id;
  const ask = () =>
    confirm({
      title: `Delete ${name}?`,
      effect: (
        <>
          <Text size="sm" mb="sm">
            Nobody can sign in to it any more, and it gets no tokens. Access tokens that were issued stay good until they end. There is no way back.
          </Text>
          <Effects operations={[{ operation: 'delete_clients_by_id', path: { id } }]} />
        </>
      ),
      action: 'Delete application',
      typed: name,
      run: async () => {
        await call(management.DELETE('/clients/{id}', { params: { path: { id } } }));
        await navigate({ to: '/applications' });
        queryClient.removeQueries({ queryKey: applicationQuery(id).queryKey });
        void queryClient.invalidateQueries({ queryKey: ['clients'] });
        void queryClient.invalidateQueries({ queryKey: ['client-grants'] });
        done(`${name} was deleted`);
      },
    });
  return (
    <Deletion
      title="Delete this application"
      text="With its secret, its keys, its grants, and what users consented to."
      action="Delete application"
      ask={ask}
    />
  );
}
