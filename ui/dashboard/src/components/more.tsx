import { Button, Group, Text } from '@mantine/core';

import type { Growing } from '~/api/pages.ts';

/** At the foot of a list that has more than it shows. */
export function More({ list }: { list: Pick<Growing<unknown>, 'more' | 'isReading'> }) {
  if (!list.more) return null;
  return (
    <Group p="sm" justify="center">
      <Button variant="default" size="xs" loading={list.isReading} onClick={list.more}>
        Show more
      </Button>
    </Group>
  );
}

/** At the foot of what a search found, where that is not all. */
export function MoreFound() {
  return (
    <Text size="sm" c="dimmed" p="sm">
      There are more than these. Say more of the name to find one.
    </Text>
  );
}
