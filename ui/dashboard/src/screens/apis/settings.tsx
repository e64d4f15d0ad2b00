import { PasswordInput, Select, Switch, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { CopyableCode } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Deletion } from '~/components/deletion.tsx';
import { Effects } from '~/components/effects.tsx';
import { Duration, Fact } from '~/components/fields.tsx';
import { FormSection, JsonField, SettingsForm, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Answer } from '~/components/states.tsx';

import { type Api, apiQuery, updateApi } from './data.ts';
import { ALGORITHMS, CLIENT_POLICIES, DIALECTS, POP_FOR, USER_POLICIES } from './options.ts';

const route = getRouteApi('/apis/$id/settings');

/** Everything that can be set of an API, but for its scopes. */
export function ApiSettings() {
  const { id } = route.useParams();
  return <Answer query={useQuery(apiQuery(id))}>{(api) => <Settings key={api.id} api={api as FullApi} />}</Answer>;
}

type Policy = { policy?: string };
type FullApi = Api & {
  allow_online_access?: boolean;
  allow_online_access_with_ephemeral_sessions?: boolean;
  token_lifetime_for_anonymous_access_tokens?: number;
  require_consent_non_repudiation?: boolean;
  consent_policy?: string | null;
  proof_of_possession?: { mechanism: string; required: boolean; required_for?: string } | null;
  token_encryption?: unknown;
  authorization_details?: unknown;
  authorization_policy?: unknown;
  access_token?: unknown;
  subject_type_authorization?: { user?: Policy; client?: Policy };
};

function Settings({ api }: { api: FullApi }) {
  const { values, changed, count, set, reset } = useDraft(api);
  const isEditable = useMay()('update:resource_servers');
  const off = !isEditable;
  const save = useMutation({
    mutationFn: () => updateApi(api.id, changed as Record<string, unknown>),
    onSuccess: () => {
      reset();
      done('The settings were saved');
    },
  });
  const policies = values.subject_type_authorization;
  const setPolicy = (subject: 'user' | 'client', policy: string | null) => {
    if (policy !== null) set('subject_type_authorization', { ...policies, [subject]: { ...policies?.[subject], policy } });
  };
  const pop = values.proof_of_possession;
  return (
    <>
      <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => save.mutate()}>
        <FormSection title="General">
          <TextInput
            label="Name"
            disabled={off || api.is_system === true}
            value={values.name ?? ''}
            onChange={(event) => set('name', event.currentTarget.value)}
          />
          <Fact label="Identifier" text="The audience of its tokens. It cannot be changed, since tokens and applications name it.">
            <CopyableCode value={api.identifier} what="identifier" />
          </Fact>
          <Fact label="Id" text="For the Management API.">
            <CopyableCode value={api.id} what="id" />
          </Fact>
        </FormSection>

        <FormSection title="Access" text="Which applications may ask, and what users get.">
          <Switch
            label="Users get only what their roles allow"
            description="Role-based access control: a scope that neither a role nor a direct permission gives is left out of the token."
            disabled={off || api.is_system === true}
            checked={values.enforce_policies === true || api.is_system === true}
            onChange={(event) => set('enforce_policies', event.currentTarget.checked)}
          />
          <Select
            label="Applications that ask for users"
            data={USER_POLICIES}
            disabled={off}
            allowDeselect={false}
            value={policies?.user?.policy ?? 'allow_all'}
            onChange={(value) => setPolicy('user', value)}
          />
          <Select
            label="Applications that ask for themselves"
            data={CLIENT_POLICIES}
            disabled={off}
            allowDeselect={false}
            value={policies?.client?.policy ?? 'require_client_grant'}
            onChange={(value) => setPolicy('client', value)}
          />
          <Switch
            label="Our own applications need no consent"
            description="First-party applications whose callback can be verified do not ask the user."
            disabled={off}
            checked={values.skip_consent_for_verifiable_first_party_clients ?? false}
            onChange={(event) => set('skip_consent_for_verifiable_first_party_clients', event.currentTarget.checked)}
          />
        </FormSection>

        <FormSection title="Tokens" text="What an access token for this API is like, and for how long it is good.">
          <Duration
            unit="seconds"
            label="Lifetime"
            max={2_592_000}
            disabled={off}
            value={values.token_lifetime}
            onChange={(value) => set('token_lifetime', value)}
          />
          <Duration
            unit="seconds"
            label="Lifetime in the browser"
            description="Of tokens that come back through the address (implicit and hybrid flows). At most the lifetime."
            max={values.token_lifetime ?? 2_592_000}
            disabled={off}
            value={values.token_lifetime_for_web}
            onChange={(value) => set('token_lifetime_for_web', value)}
          />
          <Select
            label="Claims"
            description="With permissions, the token lists what the user holds, beside the scopes that were asked for."
            data={DIALECTS}
            disabled={off}
            allowDeselect={false}
            value={values.token_dialect ?? 'access_token'}
            onChange={(value) => set('token_dialect', value as Api['token_dialect'])}
          />
          <Select
            label="Signing algorithm"
            data={ALGORITHMS}
            disabled={off}
            allowDeselect={false}
            value={values.signing_alg ?? 'RS256'}
            onChange={(value) => set('signing_alg', value as Api['signing_alg'])}
          />
          {values.signing_alg === 'HS256' ? (
            <PasswordInput
              label="Signing secret"
              description="At least 16 characters; the API needs it too. Whoever knows it can make tokens."
              disabled={off}
              value={values.signing_secret ?? ''}
              onChange={(event) => set('signing_secret', event.currentTarget.value)}
            />
          ) : null}
        </FormSection>

        <FormSection title="Refresh tokens" text="Whether applications may go on without the user, by offline_access.">
          <Switch
            label="Allow offline access"
            description="Applications with the refresh token grant get one when they ask for offline_access."
            disabled={off}
            checked={values.allow_offline_access ?? false}
            onChange={(event) => set('allow_offline_access', event.currentTarget.checked)}
          />
          <Switch
            label="Allow online access"
            description="Refresh tokens that end with the session, by online_access."
            disabled={off}
            checked={values.allow_online_access ?? false}
            onChange={(event) => set('allow_online_access', event.currentTarget.checked)}
          />
        </FormSection>

        <FormSection
          title="Kept for tools"
          text="Settings that Auth0’s tools write. The server keeps them and gives them back; nothing acts on them yet."
        >
          <Switch
            label="Online access with ephemeral sessions"
            disabled={off}
            checked={values.allow_online_access_with_ephemeral_sessions ?? false}
            onChange={(event) => set('allow_online_access_with_ephemeral_sessions', event.currentTarget.checked)}
          />
          <Switch
            label="Consent that cannot be denied later"
            disabled={off}
            checked={values.require_consent_non_repudiation ?? false}
            onChange={(event) => set('require_consent_non_repudiation', event.currentTarget.checked)}
          />
          <Switch
            label="Consent for each transaction, with a second factor"
            disabled={off}
            checked={values.consent_policy === 'transactional-authorization-with-mfa'}
            onChange={(event) => set('consent_policy', event.currentTarget.checked ? 'transactional-authorization-with-mfa' : null)}
          />
          <Duration
            unit="seconds"
            label="Lifetime of anonymous tokens"
            max={2_592_000}
            disabled={off}
            value={values.token_lifetime_for_anonymous_access_tokens}
            onChange={(value) => set('token_lifetime_for_anonymous_access_tokens', value)}
          />
          <Select
            label="Proof of possession"
            data={[{ value: 'dpop', label: 'DPoP' }, { value: 'mtls', label: 'Mutual TLS' }]}
            clearable
            placeholder="not set"
            disabled={off}
            value={pop?.mechanism ?? null}
            onChange={(mechanism) => set('proof_of_possession', mechanism === null ? null : { required: false, ...pop, mechanism })}
          />
          {pop ? (
            <>
              <Switch
                label="Proof is required"
                disabled={off}
                checked={pop.required}
                onChange={(event) => set('proof_of_possession', { ...pop, required: event.currentTarget.checked })}
              />
              <Select
                label="Required for"
                data={POP_FOR}
                disabled={off}
                allowDeselect={false}
                value={pop.required_for ?? 'all_clients'}
                onChange={(value) => value !== null && set('proof_of_possession', { ...pop, required_for: value })}
              />
            </>
          ) : null}
          <JsonField label="Token encryption" disabled={off} value={values.token_encryption} onChange={(v) => set('token_encryption', v)} />
          <JsonField
            label="Authorization details"
            disabled={off}
            value={values.authorization_details}
            onChange={(v) => set('authorization_details', v)}
          />
          <JsonField
            label="Authorization policy"
            disabled={off}
            value={values.authorization_policy}
            onChange={(v) => set('authorization_policy', v)}
          />
          <JsonField label="Access token claims" disabled={off} value={values.access_token} onChange={(v) => set('access_token', v)} />
        </FormSection>
      </SettingsForm>
      {api.is_system ? null : (
        <May scope="delete:resource_servers">
          <DeleteApi api={api} />
        </May>
      )}
    </>
  );
}

function DeleteApi({ api }: { api: Api }) {
  const confirm = useConfirm();
  const navigate = useNavigate();
  const name = api.name ?? api.identifier;
  const ask = () =>
    confirm({
      title: `Delete ${name}?`,
      effect: (
        <>
          <Text size="sm" mb="sm">
            Tokens that were issued stay good until they end; nobody gets another. There is no way back.
          </Text>
          <Effects operations={[{ operation: 'delete_resource-servers_by_id', path: { id: api.id } }]} />
        </>
      ),
      action: 'Delete API',
      typed: name,
      run: async () => {
        await call(management.DELETE('/resource-servers/{id}', { params: { path: { id: api.id } } }));
        await navigate({ to: '/apis' });
        queryClient.removeQueries({ queryKey: apiQuery(api.id).queryKey });
        void queryClient.invalidateQueries({ queryKey: ['apis'] });
        done(`${name} was deleted`);
      },
    });
  return (
    <Deletion
      title="Delete this API"
      text="With its scopes, its client grants and every permission that names it."
      action="Delete API"
      ask={ask}
    />
  );
}
