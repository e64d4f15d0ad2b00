import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import { FormSection } from './form.tsx';

/** The foot of a form: what takes the whole thing away. */
export function Deletion({ title, text, action, ask }: { title: string; text: ReactNode; action: string; ask: () => void }) {
  return (
    <div className="panel" style={{ marginTop: 24 }}>
      <FormSection title={title} text={text}>
        <div>
          <Button color="red" variant="light" onClick={ask}>
            {action}
          </Button>
        </div>
      </FormSection>
    </div>
  );
}
