import { Avatar, UnstyledButton } from '@mantine/core';
import { IconUser } from '@tabler/icons-react';
import type { ComponentPropsWithRef } from 'react';

import { useAdministrator } from '~/auth/session.tsx';

export function AccountButton(props: ComponentPropsWithRef<'button'>) {
  const { name, picture } = useAdministrator();
  return (
    <UnstyledButton {...props} aria-label={`Account of ${name}`} aria-haspopup="menu" style={{ borderRadius: 16 }}>
      <Avatar src={picture ?? null} size={30} color="brand" alt="">
        <IconUser size={18} aria-hidden />
      </Avatar>
    </UnstyledButton>
  );
}
