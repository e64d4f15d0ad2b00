import { Box, Button, Center, Group, Loader, Stack, Text, Title } from '@mantine/core';

import mark from '~/mark.svg';

/** Before anything is known. */
export function Splash() {
  return (
    <Center h="100dvh">
      <Loader size="sm" aria-label="Loading" />
    </Center>
  );
}

interface Message {
  title: string;
  text: string;
  again?: () => void;
  signOut?: () => void;
}

/** Instead of the dashboard. */
export function SplashMessage({ title, text, again, signOut }: Message) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Box className="panel pad" maw={460}>
        <Stack gap="sm">
          <img src={mark} alt="" width={36} height={36} />
          <Title order={1}>{title}</Title>
          <Text>{text}</Text>
          <Group>
            {again ? <Button onClick={again}>Sign in again</Button> : null}
            {signOut ? (
              <Button variant="default" onClick={signOut}>
                Sign out
              </Button>
            ) : null}
          </Group>
        </Stack>
      </Box>
    </Center>
  );
}
