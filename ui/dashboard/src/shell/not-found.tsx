import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';

import { Page } from '~/components/page.tsx';
import { Empty } from '~/components/states.tsx';

/** An address that no screen has. */
export function NotFound() {
  return (
    <Page title="Not found">
      <div className="panel">
        <Empty
          title="There is no such screen"
          text="The address may be old, or what it named was deleted."
          action={
            <Button component={Link} to="/">
              Go to the overview
            </Button>
          }
        />
      </div>
    </Page>
  );
}
