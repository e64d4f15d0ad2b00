import '@mantine/notifications/styles.css';

import { Notifications } from '@mantine/notifications';

/** Where notifications appear. Fetched with the first one. */
export default function Notices() {
  return <Notifications position="top-right" limit={3} containerWidth={380} style={{ marginTop: '3.25rem' }} />;
}
