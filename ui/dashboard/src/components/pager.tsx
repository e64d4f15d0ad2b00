import { Button, Group, Text } from '@mantine/core';

interface Props {
  /** From 0. */
  page: number;
  perPage: number;
  total: number;
  onPage: (page: number) => void;
}

/** Back and forth through a long list. Nothing where one page holds all. */
export function Pager({ page, perPage, total, onPage }: Props) {
  if (total <= perPage && page === 0) return null;
  const first = page * perPage + 1;
  const last = Math.min(total, first + perPage - 1);
  return (
    <Group justify="space-between" p="sm" component="nav" aria-label="Pages">
      <Text size="sm" c="dimmed">
        {first} to {last} of {total}
      </Text>
      <Group gap="xs">
        <Button variant="default" size="xs" disabled={page === 0} onClick={() => onPage(page - 1)}>
          Back
        </Button>
        <Button variant="default" size="xs" disabled={last >= total} onClick={() => onPage(page + 1)}>
          Next
        </Button>
      </Group>
    </Group>
  );
}
