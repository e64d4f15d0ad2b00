import { ActionIcon, Box, CopyButton, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** An identifier within text. */
export function Code({ children }: { children: ReactNode }) {
  return <code className="code">{children}</code>;
}

/** Puts a text onto the clipboard. */
export function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : `Copy ${what}`}>
          <ActionIcon onClick={copy} aria-label={copied ? `${what} copied` : `Copy ${what}`} size="sm">
            {copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** An identifier with a button that copies it. */
export function CopyableCode({ value, what }: { value: string; what: string }) {
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: 4, maxWidth: '100%' }}>
      <Code>{value}</Code>
      <Copy value={value} what={what} />
    </span>
  );
}

/** Lines of code, or JSON. */
export function CodeBlock({ text, what, wrap = false }: { text: string; what: string; wrap?: boolean }) {
  return (
    <Box pos="relative">
      <pre className={wrap ? 'block wrap' : 'block'} tabIndex={0} aria-label={what} role="region">
        {text}
      </pre>
      {/* Up to the edge: a long line goes on behind it. */}
      <Box pos="absolute" top={1} right={1} pt={7} pr={7} pl={4} style={{ background: 'var(--ui-code)', borderRadius: 6 }}>
        <Copy value={text} what={what} />
      </Box>
    </Box>
  );
}
