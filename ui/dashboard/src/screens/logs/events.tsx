import { Badge, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';

import { When } from '~/components/dates.tsx';

import type { LogEvent } from './data.ts';
import { useNamed } from './named.ts';
import { hasFailed, inWords, kindOf } from './words.ts';

/** Events, the newest first: each a sentence, which leads to the whole of it. */
export function Events({ events }: { events: readonly LogEvent[] }) {
  return (
    <ul className="events" aria-label="Events">
      {useNamed(events).map((event) => (
        <li key={event.log_id}>
          <div className="event-line">
            <Badge color={hasFailed(event.type) ? 'red' : 'gray'} className="event-kind">
              {kindOf(event.type)}
            </Badge>
            <Link className="row-link event-link" to="/logs/$id" params={{ id: event.log_id }}>
              {inWords(event)}
            </Link>
            <Text size="xs" c="dimmed" className="event-when">
              <When at={event.date} />
            </Text>
          </div>
          {hasFailed(event.type) && event.description ? (
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {event.description}
            </Text>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
