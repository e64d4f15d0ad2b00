import { Alert, Badge, Group, Loader, Stack, Text, Title } from '@mantine/core';

import { DecodedToken, scopeOf } from '~/components/decoded-token.tsx';

import type { Run } from './run.ts';

/** What came back. */
export function Result({ run, asked }: { run: Run; asked: string }) {
  if (run.isRunning) {
    return (
      <div className="panel pad" role="status">
        <Group gap="sm">
          <Loader size="xs" aria-hidden />
          <Text size="sm">Waiting for the answer. A window is open for it.</Text>
        </Group>
      </div>
    );
  }
  if (run.failure !== undefined) {
    return (
      <Alert color="red" title="No token" role="alert">
        {run.failure}
      </Alert>
    );
  }
  const { tokens } = run;
  if (!tokens) return null;
  // The answer names the scope only where it is not what was asked for (RFC 6749, section 5.1).
  const scope = (tokens.access_token === undefined ? undefined : scopeOf(tokens.access_token)) ?? tokens.scope ?? '';
  const granted = new Set(scope.split(' ').filter(Boolean));
  const missing = asked.split(' ').filter((wanted) => wanted !== '' && !granted.has(wanted));
  return (
    <section className="panel pad" aria-label="What came back">
      <Stack gap="md">
        <div>
          <Title order={2}>What came back</Title>
          <Text size="sm" c="dimmed">
            {granted.size === 0 ? 'A token without scopes.' : `A token with ${granted.size === 1 ? 'one scope' : `${granted.size} scopes`}.`}
            {missing.length > 0 ? ' Why the others are missing stands below.' : ''}
          </Text>
        </div>
        <Group gap={6}>
          {[...granted].map((one) => (
            <Badge key={one} color="green">
              {one}
            </Badge>
          ))}
          {missing.map((one) => (
            <Badge key={one} color="red" td="line-through">
              {one}
            </Badge>
          ))}
        </Group>
        {tokens.access_token === undefined ? null : <DecodedToken token={tokens.access_token} what="Access token" hasScope={false} />}
        {tokens.id_token === undefined ? null : (
          <details className="quiet">
            <summary>ID token</summary>
            <DecodedToken token={tokens.id_token} what="ID token" hasScope={false} />
          </details>
        )}
        {tokens.refresh_token === undefined ? null : (
          <Text size="sm">A refresh token came too. It is not shown, and forgotten with this page.</Text>
        )}
      </Stack>
    </section>
  );
}
