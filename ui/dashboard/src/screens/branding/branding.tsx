import { Alert, Text, TextInput } from '@mantine/core';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';

import { ApiError, callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { FormSection, SettingsForm, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Page } from '~/components/page.tsx';
import { Answer } from '~/components/states.tsx';

import { isColour, shownOf } from './colours.ts';
import { Preview } from './preview.tsx';

interface Branding {
  logo_url?: string | null;
  favicon_url?: string | null;
  colors?: { primary?: string | null; page_background?: unknown } | null;
}

const brandingQuery = queryOptions({ queryKey: ['branding'], queryFn: () => callAs<Branding>(management.GET('/branding')) });

/** What a tool may have written: the pages take it before the brand (crates/web/src/hosted.rs). */
interface Theme {
  widget?: { logo_url?: string };
  colors?: { primary_button?: string };
}

const themeQuery = queryOptions({
  queryKey: ['branding', 'theme'],
  queryFn: () =>
    callAs<Theme>(management.GET('/branding/themes/default')).catch((error: unknown): Theme => {
      if (error instanceof ApiError && error.status === 404) return {};
      throw error;
    }),
});

const nameQuery = queryOptions({
  queryKey: ['tenant', 'looks'],
  queryFn: () => {
    const query = { fields: 'friendly_name,picture_url', include_fields: true };
    return callAs<{ friendly_name?: string; picture_url?: string }>(management.GET('/tenants/settings', { params: { query } }));
  },
});

/** How the hosted pages look. */
export function BrandingSettings() {
  return (
    <Page title="Branding" lead="How the pages look on which users sign in.">
      <Answer query={useQuery(brandingQuery)}>{(branding) => <Settings branding={branding} />}</Answer>
    </Page>
  );
}

function Settings({ branding }: { branding: Branding }) {
  const { values, changed, count, set, reset } = useDraft(branding);
  const may = useMay();
  const off = !may('update:branding');
  const theme = useQuery(themeQuery).data ?? {};
  const tenant = useQuery({ ...nameQuery, enabled: may('read:tenant_settings') }).data ?? {};
  const themeLogo = theme.widget?.logo_url ?? '';
  const themeColour = theme.colors?.primary_button ?? '';
  const primary = values.colors?.primary ?? '';
  const save = useMutation({
    mutationFn: () => callAs(management.PATCH('/branding', { body: changed as never })),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['branding'] });
      reset();
      done('The branding was saved');
    },
  });
  const orNull = (text: string) => (text.trim() === '' ? null : text.trim());
  const isWrong = primary !== '' && !isColour(primary);
  return (
    <SettingsForm changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} save={() => {
        if (!isWrong) save.mutate();
      }}>
      <FormSection title="Pictures" text="Addresses that begin with https.">
        <TextInput
          label="Logo" type="url" placeholder="https://" disabled={off} value={values.logo_url ?? ''}
          onChange={(event) => set('logo_url', orNull(event.currentTarget.value))}
        />
        <TextInput
          label="Icon" description="In the tab of the browser." type="url" placeholder="https://" disabled={off} value={values.favicon_url ?? ''}
          onChange={(event) => set('favicon_url', orNull(event.currentTarget.value))}
        />
      </FormSection>
      <FormSection title="Colour" text="Of buttons and links. It is made darker or lighter where text in it would not be legible.">
        <TextInput
          label="Primary colour"
          placeholder="#635dff"
          disabled={off}
          value={primary}
          error={isWrong ? 'A colour is written as #rrggbb or #rgb.' : undefined}
          description={described(primary)}
          onChange={(event) => set('colors', { ...values.colors, primary: orNull(event.currentTarget.value) })}
        />
      </FormSection>
      <FormSection
        title="Preview"
        text="The login page in its two themes; the browser of each user says which one they get. It changes as you type, and users see nothing of it before you save."
      >
        {themeLogo !== '' || isColour(themeColour) ? (
          <Alert color="yellow">
            A theme that a tool has written goes before what is set here: {[themeLogo === '' ? '' : 'its logo', isColour(themeColour) ? `its colour ${themeColour}` : ''].filter(Boolean).join(' and ')}.
          </Alert>
        ) : null}
        <Preview
          logo={themeLogo || values.logo_url || tenant.picture_url || ''}
          shown={shownOf(isColour(themeColour) ? themeColour : primary)}
          tenantName={tenant.friendly_name || 'tenant'}
        />
        <Text size="xs" c="dimmed">
          Texts and backgrounds are the same for every tenant.
        </Text>
      </FormSection>
    </SettingsForm>
  );
}

/** What becomes of a colour on which white is not legible. */
function described(primary: string): string | undefined {
  if (!isColour(primary)) return undefined;
  const { fill, onFill } = shownOf(primary).light;
  if (onFill !== '#ffffff') return 'White is not legible on it: the text in buttons will be black.';
  return fill === primary.trim().toLowerCase() || primary.trim().length === 4 ? undefined : `White is hardly legible on it: buttons will be ${fill}.`;
}
