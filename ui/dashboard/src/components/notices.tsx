import '@mantine/notifications/styles.css';

import { Notifications } from '@mantine/notifications';

/**
 * Where notifications appear: at the foot, in the middle, where neither titles and main buttons nor the buttons of a form are. Fetched with
 * the first one.
 */
export default function Notices() {
  return <Notifications position="bottom-center" limit={2} containerWidth={380} />;
}
