import { Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';

import { type Answer, handOver } from './answers.ts';

/** Where the server answers a request of the playground: hands it to the window that asked. */
export default function PlaygroundCallback() {
  const [answer, setAnswer] = useState<Answer>();
  useEffect(() => {
    setAnswer(handOver(window.location));
    // Neither the address nor the history keeps the answer.
    window.history.replaceState({}, '', window.location.pathname);
  }, []);
  return (
    <Stack p="xl" gap={4} role="status">
      <Text fw={600}>{answer?.parameters.error === undefined ? 'Done' : 'The server said no'}</Text>
      <Text size="sm" c="dimmed">
        {answer?.parameters.error_description ?? 'This window can be closed.'}
      </Text>
    </Stack>
  );
}
