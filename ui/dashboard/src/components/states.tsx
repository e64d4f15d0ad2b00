// What a screen shows while there is nothing else to show.
import { Alert, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

import { ApiError } from '~/api/client.ts';
import { inWords } from '~/api/queries.ts';

/** Rows that are on their way. */
export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <Stack gap="sm" p="md" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={18} width={`${95 - ((index * 17) % 40)}%`} />
      ))}
    </Stack>
  );
}

/** Something could not be read: why, and once more. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const isForbidden = error instanceof ApiError && error.status === 403;
  return (
    <Alert color="red" title={isForbidden ? 'You may not see this' : 'This could not be loaded'} m="md">
      <Text size="sm">{isForbidden ? inWords(error).replaceAll(',', ', ') : inWords(error)}</Text>
      {again && !isForbidden ? (
        <Button variant="default" size="xs" mt="sm" onClick={again}>
          Try again
        </Button>
      ) : null}
    </Alert>
  );
}

interface EmptyProps {
  title: string;
  /** What such a thing is good for. */
  text: ReactNode;
  /** The button that makes the first one. */
  action?: ReactNode;
}

/** There is nothing yet. */
export function Empty({ title, text, action }: EmptyProps) {
  return (
    <Stack align="center" gap={6} px="md" py={48}>
      <Title order={2} ta="center">
        {title}
      </Title>
      <Text c="dimmed" size="sm" ta="center" maw={440} component="div">
        {text}
      </Text>
      {action ? <Group mt="sm">{action}</Group> : null}
    </Stack>
  );
}

/** What of a query is looked at. */
interface Asked<T> {
  data: T | undefined;
  isError: boolean;
  error: unknown;
  refetch: () => unknown;
}

interface AnswerProps<T> {
  query: Asked<T>;
  rows?: number;
  children: (data: T) => ReactNode;
}

/** What a query found, or what stands for it in the meantime. */
export function Answer<T>({ query, rows, children }: AnswerProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Failure error={query.error} again={() => void query.refetch()} />;
  return <Loading {...(rows === undefined ? {} : { rows })} />;
}
