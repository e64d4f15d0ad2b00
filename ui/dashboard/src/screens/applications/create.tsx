import { Button, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { CodeBlock } from '~/components/code.tsx';
import { DialogForm } from '~/components/form-dialog.tsx';
import { done } from '~/components/notify.ts';

import type { NewApplication } from './data.ts';
import { BEGINNINGS, type NewType, TYPES } from './options.ts';

/** A name and a type are enough. Where there is a secret, it is shown here, once. */
export default function CreateApplication({ close }: { close: () => void }) {
  const [made, setMade] = useState<NewApplication>();
  const navigate = useNavigate();
  const goOn = (application: NewApplication) => {
    close();
    void navigate({ to: '/applications/$id/settings', params: { id: application.client_id } });
  };
  return (
    <Modal
      opened
      onClose={() => (made ? goOn(made) : close())}
      title={<Text fw={600}>{made ? `${made.name} was created` : 'Create application'}</Text>}
      size="md"
    >
      {made ? (
        <Made application={made} goOn={() => goOn(made)} />
      ) : (
        <CreateForm close={close} onMade={(application) => (hasSecret(application) ? setMade(application) : goOn(application))} />
      )}
    </Modal>
  );
}

function hasSecret({ client_secret: secret, token_endpoint_auth_method: method }: NewApplication): boolean {
  return secret !== undefined && method !== 'none';
}

function Made({ application, goOn }: { application: NewApplication; goOn: () => void }) {
  return (
    <Stack gap="md">
      <Text size="sm">It proves itself with these two. Put them where it keeps its secrets, not into its code.</Text>
      <CodeBlock text={application.client_id} what="client id" wrap />
      <CodeBlock text={application.client_secret ?? ''} what="client secret" wrap />
      <Group justify="flex-end">
        <Button onClick={goOn}>Go on to its settings</Button>
      </Group>
    </Stack>
  );
}

function CreateForm({ close, onMade }: { close: () => void; onMade: (application: NewApplication) => void }) {
  const [name, setName] = useState('');
  const [type, setType] = useState<NewType>('spa');
  const queries = useQueryClient();
  const create = useMutation({
    // The answer carries a secret: it is forgotten with the dialog.
    gcTime: 0,
    mutationFn: () =>
      callAs<NewApplication>(
        management.POST('/clients', { body: { name: name.trim(), app_type: type, oidc_conformant: true, is_first_party: true, ...BEGINNINGS[type] } }),
      ),
    onSuccess: (application) => {
      void queries.invalidateQueries({ queryKey: ['clients'] });
      done(`${application.name ?? application.client_id} was created`);
      onMade(application);
    },
  });
  return (
    <DialogForm
      action="Create application"
      isBusy={create.isPending}
      error={create.error?.message}
      close={close}
      submit={() => create.mutate()}
    >
      <TextInput
        label="Name"
        description="Users read it when they sign in."
        required
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      <Radio.Group label="Type" value={type} onChange={(value) => setType(value as NewType)}>
        <Stack gap="sm" mt={6}>
          {TYPES.map(({ value, label, text }) => (
            <Radio key={value} value={value} label={label} description={text} />
          ))}
        </Stack>
      </Radio.Group>
    </DialogForm>
  );
}
