import '@mantine/notifications/styles.css';

import { Notifications } from '@mantine/notifications';

/** Where notifications appear. Fetched with the first one. */
export default function Notices() {
  return <Notifications position="bottom-right" limit={4} containerWidth={380} />;
}
