// Each scope with its chain of reasons, and the way to put right what stands against it.
import { Alert, Badge, Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { useMay } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done } from '~/components/notify.ts';

import type { ExplainedScope, Explanation, Fix, Reason } from './explain.ts';
import { placeOf } from './fixes.ts';

interface Props {
  explanation: Explanation;
  /** Adds a scope to the request. */
  ask: (scope: string) => void;
  again: () => void;
}

export function Explained({ explanation, ask, again }: Props) {
  const asked = explanation.scopes.filter((scope) => scope.asked);
  const refused = asked.filter((scope) => !scope.granted);
  return (
    <section className="panel" aria-label="Why">
      <Stack gap={4} p="md" pb="sm">
        <Title order={2}>Why</Title>
        <Text size="sm" c="dimmed" role="status">
          {explanation.decision === 'denied'
            ? 'There would be no token.'
            : asked.length === 0
              ? 'The request asks for no scope.'
              : refused.length === 0
                ? 'Everything asked for is granted.'
                : `${asked.length - refused.length} of ${asked.length} scopes are granted.`}{' '}
          {consentText(explanation.consent)}
        </Text>
      </Stack>
      {explanation.denied ? (
        <Alert color="red" mx="md" mb="md" title={explanation.denied.error}>
          <Text size="sm">{explanation.denied.text}</Text>
          {explanation.denied.fix ? <FixRow fix={explanation.denied.fix} again={again} /> : null}
        </Alert>
      ) : null}
      <ul className="why">
        {asked.map((scope) => (
          <ScopeItem key={scope.scope} scope={scope} again={again} />
        ))}
      </ul>
      {explanation.available.length > 0 ? (
        <Group gap={6} p="md" pt="sm">
          <Text size="sm" c="dimmed">
            Could be had, too:
          </Text>
          {explanation.available.slice(0, FEW).map((scope) => (
            <Button key={scope} size="compact-xs" variant="default" onClick={() => ask(scope)}>
              + {scope}
            </Button>
          ))}
          {explanation.available.length > FEW ? (
            <Text size="sm" c="dimmed">
              and {explanation.available.length - FEW} more
            </Text>
          ) : null}
        </Group>
      ) : null}
    </section>
  );
}

/** As many scopes are offered; the others are found in the field. */
const FEW = 12;

function consentText(consent: string): string {
  switch (consent) {
    case 'first':
      return 'The user is asked first, and may say no.';
    case 'more_wanted':
      return 'The user is asked again, since more is wanted than before.';
    case 'recorded':
      return 'The user agreed before.';
    default:
      return '';
  }
}

function ScopeItem({ scope, again }: { scope: ExplainedScope; again: () => void }) {
  const against = scope.reasons.find((reason) => !reason.passes);
  // That the user is asked stands above, once for all.
  const deciding = against ?? scope.reasons.findLast((reason) => reason.step !== 'consent') ?? scope.reasons.at(-1);
  return (
    <li>
      <div className="why-line">
        {scope.granted ? (
          <Badge color="green" leftSection={<IconCheck size={12} aria-hidden />}>
            granted
          </Badge>
        ) : (
          <Badge color="red" leftSection={<IconX size={12} aria-hidden />}>
            refused
          </Badge>
        )}
        <Code>{scope.scope}</Code>
      </div>
      {deciding ? <Text size="sm">{deciding.text}</Text> : null}
      {scope.granted || against?.fix === undefined ? null : <FixRow fix={against.fix} again={again} />}
      {scope.reasons.length > 1 ? (
        <details>
          <summary>Every question that was put</summary>
          <ol className="chain">
            {scope.reasons.map((reason, index) => (
              <Link key={index} reason={reason} />
            ))}
          </ol>
        </details>
      ) : null}
    </li>
  );
}

function Link({ reason }: { reason: Reason }) {
  return (
    <li>
      {reason.passes ? <IconCheck size={14} aria-label="speaks for it" /> : <IconAlertTriangle size={14} aria-label="speaks against it" />}
      <span>
        <b>{STEPS[reason.step] ?? reason.step}</b> {reason.text}
      </span>
    </li>
  );
}

const STEPS: Record<string, string> = {
  api: 'API:',
  sign_in: 'Sign-in:',
  application: 'Application:',
  user: 'User:',
  consent: 'Consent:',
  flow: 'Flow:',
  request: 'Request:',
};

/** What would have to change, with the way there. */
function FixRow({ fix, again }: { fix: Fix; again: () => void }) {
  const router = useRouter();
  const may = useMay();
  const place = placeOf(fix);
  const roles = fix.user_id !== undefined && fix.organization_id === undefined && may('update:users') ? (fix.roles ?? []) : [];
  return (
    <div className="fix">
      <Text size="sm">{fix.text}</Text>
      <Group gap="xs">
        {roles.slice(0, 3).map((role) => (
          <GiveRole key={role.id} role={role} userId={fix.user_id ?? ''} again={again} />
        ))}
        {place ? (
          <Button
            size="compact-sm"
            variant="default"
            component="a"
            href={place.href}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              void router.navigate({ href: place.href });
            }}
          >
            {place.label}
          </Button>
        ) : null}
      </Group>
    </div>
  );
}

function GiveRole({ role, userId, again }: { role: { id: string; name: string }; userId: string; again: () => void }) {
  const confirm = useConfirm();
  const queries = useQueryClient();
  const ask = () =>
    confirm({
      title: `Give the role ${role.name}?`,
      effect: <Text size="sm">The user gets every permission of the role, on every API, from the next token on.</Text>,
      action: 'Give role',
      gives: true,
      run: async () => {
        await call(management.POST('/users/{id}/roles', { params: { path: { id: userId } }, body: { roles: [role.id] } }));
        void queries.invalidateQueries({ queryKey: ['users'] });
        done(`The user holds the role ${role.name} now`);
        again();
      },
    });
  return (
    <Button size="compact-sm" variant="light" onClick={ask}>
      Give the role {role.name}
    </Button>
  );
}
