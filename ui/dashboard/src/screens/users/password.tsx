import { Alert, Button, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { CodeBlock } from '~/components/code.tsx';

import { nameOf, type User } from './data.ts';

/** Whether the user has a password here that could be another one. */
export function hasPassword(user: User): boolean {
  return user.identities?.some(({ provider }) => provider === 'auth0') ?? false;
}

/** Makes a link with which somebody chooses a new password, for whoever hands it on. */
export function NewPassword({ user }: { user: User }) {
  const [isOpen, dialog] = useDisclosure();
  const name = nameOf(user);
  const making = useMutation({
    // Whoever has the link has the account: it is forgotten with the dialog.
    gcTime: 0,
    mutationFn: () => callAs<{ ticket: string }>(management.POST('/tickets/password-change', { body: { user_id: user.user_id } })),
  });
  const close = () => {
    dialog.close();
    making.reset();
  };
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        New password
      </Button>
      <Modal opened={isOpen} onClose={close} title={<Text fw={600}>A new password for {name}</Text>} size="md">
        <Stack gap="md">
          {making.data === undefined ? (
            <>
              <Text size="sm">They choose it themselves, on a page that a link opens. Until they did, the old one counts.</Text>
              {making.error ? <Alert color="red">{making.error.message}</Alert> : null}
              <Button loading={making.isPending} onClick={() => making.mutate()}>
                Make a link
              </Button>
            </>
          ) : (
            <>
              <Text size="sm">Whoever opens it within five days chooses the password: give it to {name} alone.</Text>
              <CodeBlock text={making.data.ticket} what="link" wrap />
              <Button variant="default" onClick={close}>
                Done
              </Button>
            </>
          )}
        </Stack>
      </Modal>
    </>
  );
}
