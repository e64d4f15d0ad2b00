import { Alert, List, Loader, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { effectCounts, effectTitle, type Operation, plan } from '~/api/effects.ts';
import { inWords } from '~/api/queries.ts';

/** What these operations would do to others, asked of the server. For the effect of a {@link Confirmation}. */
export function Effects({ operations }: { operations: Operation[] }) {
  const planned = useQuery({ queryKey: ['plan', operations], queryFn: () => plan(operations), staleTime: 0, gcTime: 0 });
  if (planned.isPending) {
    return (
      <Text size="sm" c="dimmed" role="status">
        <Loader size={12} mr={8} aria-hidden />
        Asking the server whom this touches
      </Text>
    );
  }
  if (planned.isError) return <Alert color="yellow">What this touches is not known: {inWords(planned.error)}</Alert>;
  const { effects, hidden_effects: hidden } = planned.data;
  return (
    <Stack gap="xs">
      {effects.length === 0 ? <Text size="sm">Nobody loses anything by this.</Text> : null}
      {effects.map((effect, index) => {
        const counts = effectCounts(effect);
        return (
          <div key={index}>
            <Text size="sm" fw={560}>
              {effectTitle(effect)}
            </Text>
            {counts.length === 0 ? (
              <Text size="sm" c="dimmed">
                Nobody has it.
              </Text>
            ) : (
              <List size="sm">
                {counts.map((count) => (
                  <List.Item key={count}>{count}</List.Item>
                ))}
              </List>
            )}
          </div>
        );
      })}
      {hidden.length > 0 ? (
        <Text size="xs" c="dimmed">
          Not everything was counted: that takes {hidden.join(', ')}.
        </Text>
      ) : null}
    </Stack>
  );
}
