import { Text, TextInput } from '@mantine/core';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { FormSection, SaveBar, useDraft } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Page } from '~/components/page.tsx';
import { Answer } from '~/components/states.tsx';

import { fitForWhite, isColour } from './colours.ts';
import { Preview } from './preview.tsx';

interface Branding {
  logo_url?: string | null;
  favicon_url?: string | null;
  colors?: { primary?: string | null; page_background?: unknown } | null;
}

const brandingQuery = queryOptions({ queryKey: ['branding'], queryFn: () => callAs<Branding>(management.GET('/branding')) });

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
  const off = !useMay()('update:branding');
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
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) save.mutate();
      }}
    >
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
          description={isColour(primary) && !fitForWhite(primary) ? 'White text is not legible on it: the button will be darker.' : undefined}
          onChange={(event) => set('colors', { ...values.colors, primary: orNull(event.currentTarget.value) })}
        />
      </FormSection>
      <FormSection title="Preview" text="The login page, roughly. It changes as you type, and users see nothing of it before you save.">
        <Preview logo={values.logo_url ?? ''} colour={primary} />
        <Text size="xs" c="dimmed">
          In its light theme. Those who prefer a dark one get it with the same colour.
        </Text>
      </FormSection>
      <SaveBar changes={count} isSaving={save.isPending} error={save.error?.message} reset={reset} />
    </form>
  );
}
