import { MultiSelect, Switch, TextInput } from '@mantine/core';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { Duration, Lines } from '~/components/fields.tsx';
import { FormSection, SettingsForm, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Page } from '~/components/page.tsx';
import { Answer } from '~/components/states.tsx';

import { SecondFactor } from './second-factor.tsx';

interface Tenant {
  friendly_name?: string;
  picture_url?: string;
  support_email?: string;
  support_url?: string;
  session_lifetime?: number;
  idle_session_lifetime?: number;
  default_audience?: string;
  default_directory?: string;
  default_redirection_uri?: string;
  allowed_logout_urls?: string[];
  enabled_locales?: string[];
  flags?: Record<string, boolean>;
}

const tenantQuery = queryOptions({
  queryKey: ['tenant'],
  queryFn: () => callAs<Tenant>(management.GET('/tenants/settings')),
});

/** What holds for every application and every user. */
export function TenantSettings() {
  return (
    <Page title="Tenant settings" lead="What holds for every application and every user.">
      <Answer query={useQuery(tenantQuery)}>{(tenant) => <Settings tenant={tenant} />}</Answer>
      <SecondFactor />
    </Page>
  );
}

/** Of the flags, those that were changed: the server keeps the others, and shows some that it takes from nobody. */
function patchOf(tenant: Tenant, changed: Partial<Tenant>): Partial<Tenant> {
  if (changed.flags === undefined) return changed;
  const flags = Object.fromEntries(Object.entries(changed.flags).filter(([name, value]) => (tenant.flags?.[name] ?? false) !== value));
  return { ...changed, flags };
}

const LANGUAGES = [
  { value: 'en', label: 'English' },
  { value: 'de', label: 'Deutsch' },
];

function Settings({ tenant }: { tenant: Tenant }) {
  const { values, changed, count, set, reset } = useDraft(tenant);
  const off = !useMay()('update:tenant_settings');
  const save = useMutation({
    mutationFn: () => callAs(management.PATCH('/tenants/settings', { body: patchOf(tenant, changed) as never })),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: tenantQuery.queryKey });
      reset();
      done('The settings were saved');
    },
  });
  const text = (member: 'friendly_name' | 'picture_url' | 'support_email' | 'support_url' | 'default_audience' | 'default_directory' | 'default_redirection_uri') => ({
    disabled: off,
    value: values[member] ?? '',
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => set(member, event.currentTarget.value),
  });
  const flag = (name: string) => ({
    disabled: off,
    checked: values.flags?.[name] ?? false,
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => set('flags', { ...values.flags, [name]: event.currentTarget.checked }),
  });
  const languages = [...LANGUAGES, ...(values.enabled_locales ?? []).filter((one) => !LANGUAGES.some(({ value }) => value === one)).map((one) => ({ value: one, label: one }))];
  return (
    <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => save.mutate()}>
      <FormSection title="General" text="Users read this when they sign in, and where something went wrong.">
        <TextInput label="Name" {...text('friendly_name')} />
        <TextInput label="Logo" description="Address of a picture." type="url" {...text('picture_url')} />
        <TextInput label="Support by mail" type="email" {...text('support_email')} />
        <TextInput label="Support page" type="url" {...text('support_url')} />
        <MultiSelect
          label="Languages"
          description="Those that the hosted pages may speak. The first is spoken to whoever asks for none of them."
          disabled={off}
          data={languages}
          value={values.enabled_locales ?? []}
          onChange={(value) => value.length > 0 && set('enabled_locales', value)}
        />
      </FormSection>
      <FormSection title="Sessions" text="How long users stay signed in at this server. What applications keep is their own.">
        <Duration
          label="Without a sign of them"
          min={1}
          max={8760}
          unit="hours"
          disabled={off}
          value={values.idle_session_lifetime}
          onChange={(value) => set('idle_session_lifetime', value)}
        />
        <Duration
          label="At the longest"
          min={1}
          max={8760}
          unit="hours"
          disabled={off}
          value={values.session_lifetime}
          onChange={(value) => set('session_lifetime', value)}
        />
        <Lines
          label="After signing out"
          description="Where a sign-out may lead to, of whatever application."
          placeholder="https://app.example"
          disabled={off}
          value={values.allowed_logout_urls}
          onChange={(value) => set('allowed_logout_urls', value)}
        />
      </FormSection>
      <FormSection title="Defaults" text="For requests that do not say.">
        <TextInput label="API" description="The audience of requests that name none. Every application gets tokens for it then." {...text('default_audience')} />
        <TextInput label="Connection" description="Where password grants look for users when no realm is named." {...text('default_directory')} />
        <TextInput label="Where lost users go" description="Address for whoever opens the sign-in page without an application." type="url" {...text('default_redirection_uri')} />
      </FormSection>
      <FormSection title="Security">
        <Switch
          label="Public applications must use PKCE"
          description="Applications that keep no secret are refused a code without it."
          {...flag('require_pkce_for_public_clients')}
        />
      </FormSection>
    </SettingsForm>
  );
}
