import { Anchor, Box, Group, Text, Title } from '@mantine/core';
import { IconChevronLeft } from '@tabler/icons-react';
import { Link, type LinkProps } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';

interface PageProps {
  title: string;
  /** What the screen is for, in a sentence. */
  lead?: ReactNode;
  /** Beside the title: the main button of the screen. */
  actions?: ReactNode;
  /** Where one level up is. */
  back?: { to: LinkProps['to']; label: string };
  children: ReactNode;
}

/** A screen: its title, what it is for, what can be done. Takes the focus when one comes to it. */
export function Page({ title, lead, actions, back, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Chancery`;
  }, [title]);
  useEffect(() => {
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  return (
    <Box maw={1120} mx="auto">
      {back ? (
        <Anchor component={Link} to={back.to} size="sm" c="dimmed" display="inline-flex" style={{ alignItems: 'center' }} mb={6}>
          <IconChevronLeft size={15} aria-hidden />
          {back.label}
        </Anchor>
      ) : null}
      <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
        <Box style={{ minWidth: 0 }}>
          <Title order={1} ref={heading} tabIndex={-1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {lead ? (
            <Text c="dimmed" size="sm" component="div" mt={2} maw={680} style={{ overflowWrap: 'anywhere' }}>
              {lead}
            </Text>
          ) : null}
        </Box>
        {actions ? <Group gap="xs">{actions}</Group> : null}
      </Group>
      {children}
    </Box>
  );
}

/** The first screen leaves the focus where browsers put it. */
let isFirst = true;
