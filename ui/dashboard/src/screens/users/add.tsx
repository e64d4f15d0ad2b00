import { Button, Group } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { done, failed } from '~/components/notify.ts';

import { UserPicker } from './picker.tsx';

interface Props {
  label: string;
  action: string;
  add: (id: string) => Promise<unknown>;
  /** What is said when it is done. */
  said: string;
}

/** Chooses somebody, and adds them to what the screen shows. */
export function AddUser({ label, action, add, said }: Props) {
  const [user, setUser] = useState<string>();
  const adding = useMutation({
    mutationFn: add,
    onSuccess: () => {
      setUser(undefined);
      done(said);
    },
    onError: (error) => failed(error),
  });
  return (
    <Group p="sm" gap="xs" align="flex-end">
      <UserPicker label={label} value={user} onChange={setUser} />
      <Button disabled={user === undefined} loading={adding.isPending} onClick={() => user !== undefined && adding.mutate(user)}>
        {action}
      </Button>
    </Group>
  );
}
