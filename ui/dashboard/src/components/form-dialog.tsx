import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  /** What the button says, unless it is something else. */
  title?: string;
  /** The verb on the button: "Create role". */
  action: string;
  /** Whether it is being done. */
  isBusy: boolean;
  /** Why it was refused. */
  error: string | undefined;
  /** There is nothing to be done yet. */
  disabled?: boolean;
  close: () => void;
  submit: () => void;
  children: ReactNode;
}

/** A form in a dialog: fields, what the server said, and two buttons. */
export function FormDialog({ title, close, ...form }: Props) {
  return (
    <Modal opened onClose={close} title={<Text fw={600}>{title ?? form.action}</Text>} size="md">
      <DialogForm close={close} {...form} />
    </Modal>
  );
}

/** The form alone, for dialogs that show something else too. */
export function DialogForm({ action, isBusy, error, disabled = false, close, submit, children }: Omit<Props, 'title'>) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!disabled) submit();
      }}
    >
      <Stack gap="md">
        {children}
        {error === undefined ? null : <Alert color="red">{error}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy} disabled={disabled}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
