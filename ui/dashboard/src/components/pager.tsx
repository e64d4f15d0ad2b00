import { Button, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  /** From 0. */
  page: number;
  perPage: number;
  total: number;
  onPage: (page: number) => void;
  /** The API pages no further than so many. */
  reach?: number;
  /** How whatever lies beyond is found. */
  beyond?: ReactNode;
}

/** Back and forth through a long list. Nothing where one page holds all. */
export function Pager({ page, perPage, total, onPage, reach = Infinity, beyond }: Props) {
  if (total <= perPage && page === 0) return null;
  const first = page * perPage + 1;
  const end = Math.min(total, reach);
  const last = Math.min(end, first + perPage - 1);
  return (
    <>
      <Group justify="space-between" p="sm" component="nav" aria-label="Pages">
        <Text size="sm" c="dimmed">
          {first} to {last} of {total}
        </Text>
        <Group gap="xs">
          <Button variant="default" size="xs" disabled={page === 0} onClick={() => onPage(page - 1)}>
            Back
          </Button>
          <Button variant="default" size="xs" disabled={last >= end} onClick={() => onPage(page + 1)}>
            Next
          </Button>
        </Group>
      </Group>
      {total > reach ? (
        <Text size="sm" c="dimmed" px="sm" pb="sm">
          The first {reach.toLocaleString('en')} can be paged through. {beyond}
        </Text>
      ) : null}
    </>
  );
}
