import { Badge, Button, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { May } from '~/auth/session.tsx';
import { CopyableCode } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done, failed } from '~/components/notify.ts';
import { Page } from '~/components/page.tsx';
import { type PageTab, PageTabs } from '~/components/page-tabs.tsx';
import { Answer } from '~/components/states.tsx';

import { nameOf, updateUser, type User, userQuery } from './data.ts';

const route = getRouteApi('/users/$id');

const TABS: readonly PageTab[] = [
  { path: 'profile', label: 'Profile', needs: ['read:users'] },
  { path: 'roles', label: 'Roles', needs: ['read:users', 'read:roles', 'read:role_members'] },
  { path: 'permissions', label: 'Permissions', needs: ['read:users'] },
  { path: 'organizations', label: 'Organizations', needs: ['read:organizations'] },
  { path: 'sessions', label: 'Sessions', needs: ['read:sessions', 'read:refresh_tokens'] },
  { path: 'consents', label: 'Consents', needs: ['read:grants'] },
  { path: 'logs', label: 'Logs', needs: ['read:logs', 'read:logs_users'] },
];

/** Somebody: their name, their id, whether they may sign in, and a tab for each side. */
export function UserPage() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(userQuery(id))}>
      {(user) => (
        <Page
          title={nameOf(user)}
          back={{ to: '/users', label: 'Users' }}
          lead={
            <>
              <CopyableCode value={user.user_id} what="user id" />
              {user.blocked ? (
                <Badge color="red" ml={8}>
                  Blocked
                </Badge>
              ) : null}
            </>
          }
          actions={
            <May scope="update:users">
              <Block user={user} />
            </May>
          }
        >
          <PageTabs base={`/dashboard/users/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}

function Block({ user }: { user: User }) {
  const confirm = useConfirm();
  const name = nameOf(user);
  const write = async (blocked: boolean) => {
    await updateUser(user.user_id, { blocked });
    done(blocked ? `${name} was blocked` : `${name} may sign in again`);
  };
  const unblock = useMutation({ mutationFn: () => write(false), onError: (error) => failed(error) });
  if (user.blocked) {
    return (
      <Button variant="default" loading={unblock.isPending} onClick={() => unblock.mutate()}>
        Unblock
      </Button>
    );
  }
  const ask = () =>
    confirm({
      title: `Block ${name}?`,
      effect: (
        <Text size="sm">
          They cannot sign in, and refresh tokens in their name give nothing. Access tokens that applications have stay good until they
          end. Nothing is deleted: unblocking undoes it.
        </Text>
      ),
      action: 'Block user',
      run: () => write(true),
    });
  return (
    <Button variant="default" onClick={ask}>
      Block
    </Button>
  );
}
