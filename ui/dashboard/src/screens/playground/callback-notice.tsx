import { Alert, Button, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { done, failed } from '~/components/notify.ts';
import type { Application } from '~/screens/apis/grants.ts';

import { callbackUrl } from './request.ts';

export function hasCallback(application: Application, issuer: string): boolean {
  return (application.callbacks ?? []).includes(callbackUrl(issuer));
}

/** Says that the application does not allow the playground's callback yet, and adds it. */
export function CallbackNotice({ application, issuer }: { application: Application; issuer: string }) {
  const queries = useQueryClient();
  const callback = callbackUrl(issuer);
  const add = useMutation({
    mutationFn: async () => {
      const path = { id: application.client_id };
      const now = await callAs<Application>(management.GET('/clients/{id}', { params: { path } }));
      const callbacks = [...(now.callbacks ?? []), callback];
      await callAs(management.PATCH('/clients/{id}', { params: { path }, body: { callbacks } }));
      await queries.invalidateQueries({ queryKey: ['clients'] });
    },
    onSuccess: () => done(`${application.name ?? 'The application'} allows the playground’s callback now`),
    onError: (error) => failed(error),
  });
  if (hasCallback(application, issuer)) return null;
  return (
    <Alert color="yellow" title="To run it, the answer must find its way back here">
      <Text size="sm">
        <Code>{callback}</Code> is not among the callbacks that {application.name ?? 'this application'} allows.
      </Text>
      <May scope="update:clients">
        <Button size="xs" variant="default" mt="xs" loading={add.isPending} onClick={() => add.mutate()}>
          Add it to the allowed callbacks
        </Button>
      </May>
    </Alert>
  );
}
