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

import { nameOf, unblockUser, updateUser, type User, userQuery, wrongPasswordsQuery } from './data.ts';
import { hasPassword, NewPassword } from './password.tsx';

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
              ) : (
                <KeptOut id={user.user_id} />
              )}
            </>
          }
          actions={
            <>
              {hasPassword(user) ? (
                <May scope="create:user_tickets">
                  <NewPassword user={user} />
                </May>
              ) : null}
              <May scope="update:users">
                <Block user={user} />
              </May>
            </>
          }
        >
          <PageTabs base={`/dashboard/users/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}

/** Says that wrong passwords keep somebody out. */
function KeptOut({ id }: { id: string }) {
  const wrong = useQuery(wrongPasswordsQuery(id));
  if ((wrong.data?.blocked_for.length ?? 0) === 0) return null;
  return (
    <Badge color="yellow" ml={8}>
      Too many wrong passwords
    </Badge>
  );
}

function Block({ user }: { user: User }) {
  const confirm = useConfirm();
  const name = nameOf(user);
  const wrong = useQuery(wrongPasswordsQuery(user.user_id));
  const isKeptOut = (wrong.data?.blocked_for.length ?? 0) > 0;
  const unblock = useMutation({
    mutationFn: () => unblockUser(user),
    onSuccess: () => done(`${name} may sign in again`),
    onError: (error) => failed(error),
  });
  if (user.blocked || isKeptOut) {
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
      run: async () => {
        await updateUser(user.user_id, { blocked: true });
        done(`${name} was blocked`);
      },
    });
  return (
    <Button variant="default" onClick={ask}>
      Block
    </Button>
  );
}
