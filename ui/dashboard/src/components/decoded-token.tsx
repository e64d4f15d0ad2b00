import { Alert, Group, Stack, Text } from '@mantine/core';

import { part } from '~/auth/claims.ts';

import { Code, CodeBlock, Copy } from './code.tsx';

/** What a token says. It is read, not verified: it came from this server a moment ago. */
export function DecodedToken({ token, what, hasScope = true }: { token: string; what: string; hasScope?: boolean }) {
  const decoded = decode(token);
  return (
    <Stack gap="xs">
      <Group gap={6}>
        <Text size="sm" fw={560}>
          {what}
        </Text>
        <Copy value={token} what={what.toLowerCase()} />
      </Group>
      {decoded === undefined ? (
        <>
          <Text size="sm">It is opaque: the server alone can read it.</Text>
          <Code>{token}</Code>
        </>
      ) : (
        <>
          {hasScope && decoded.scope === undefined ? <Alert color="yellow">It carries no scope.</Alert> : null}
          {!hasScope || decoded.scope === undefined ? null : (
            <Group gap={6}>
              {decoded.scope.split(' ').map((scope) => (
                <Code key={scope}>{scope}</Code>
              ))}
            </Group>
          )}
          <CodeBlock text={decoded.text} what={`${what}: header and claims`} wrap />
        </>
      )}
    </Stack>
  );
}

interface Decoded {
  scope: string | undefined;
  text: string;
}

/** Header and claims of a JWT; `undefined` for what is none. */
export function decode(token: string): Decoded | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const [header, claims] = parts.slice(0, 2).map(part);
    const scope = claims?.scope;
    const text = `${JSON.stringify(header)}\n${JSON.stringify(claims, null, 2)}`;
    return { scope: typeof scope === 'string' && scope !== '' ? scope : undefined, text };
  } catch {
    return undefined;
  }
}

/** The scopes that a JWT carries. */
export function scopeOf(token: string): string | undefined {
  return decode(token)?.scope;
}
