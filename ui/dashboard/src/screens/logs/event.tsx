import { Badge, SimpleGrid } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';

import { useMay } from '~/auth/session.tsx';
import { Code, CodeBlock } from '~/components/code.tsx';
import { When } from '~/components/dates.tsx';
import { Fact } from '~/components/fields.tsx';
import { Page } from '~/components/page.tsx';
import { Answer } from '~/components/states.tsx';

import { eventQuery, type LogEvent } from './data.ts';
import { Decision } from './decision.tsx';
import { useNamed } from './named.ts';
import { hasFailed, inWords, kindOf } from './words.ts';

const route = getRouteApi('/logs/$id');

/** One event: in words, then whatever was written down. */
export function LogEventPage() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(eventQuery(id))}>
      {(event) => <Shown event={event} />}
    </Answer>
  );
}

function Shown({ event }: { event: LogEvent }) {
  const [named = event] = useNamed([event]);
  return (
    <Page
      title={inWords(named)}
      back={{ to: '/logs', label: 'Logs' }}
      lead={
        <>
          <Badge color={hasFailed(event.type) ? 'red' : 'gray'} mr={8}>
            {kindOf(event.type)}
          </Badge>
          <When at={event.date} />
        </>
      }
    >
      <Told event={event} named={named} />
    </Page>
  );
}

/** `named` is the event with names; what was written down is shown as it was. */
function Told({ event, named }: { event: LogEvent; named: LogEvent }) {
  const may = useMay();
  return (
    <div className="panel pad">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" mb="md">
        {event.description ? <Fact label="What was said">{event.description}</Fact> : null}
        {event.user_id || event.user_name ? (
          <Fact label="User">
            {event.user_id && may('read:users') ? (
              <Link className="plain-link" to="/users/$id/profile" params={{ id: event.user_id }}>
                {named.user_name || event.user_id}
              </Link>
            ) : (
              named.user_name || event.user_id
            )}
          </Fact>
        ) : null}
        {event.client_id ? (
          <Fact label="Application">
            {may('read:clients') ? (
              <Link className="plain-link" to="/applications/$id/settings" params={{ id: event.client_id }}>
                {named.client_name || event.client_id}
              </Link>
            ) : (
              named.client_name || event.client_id
            )}
          </Fact>
        ) : null}
        {event.audience ? <Fact label="API">{event.audience}</Fact> : null}
        {event.connection ? <Fact label="Connection">{event.connection}</Fact> : null}
        {event.ip ? <Fact label="From">{event.ip}</Fact> : null}
      </SimpleGrid>
      {event.scope ? <Scopes all={event.scope.split(' ')} /> : null}
      {isAboutTokens(event) && may('read:logs') ? <Decision id={event.log_id} /> : null}
      {event.client_id && event.audience && may('read:clients') ? <Why event={event} /> : null}
      <details className="quiet" style={{ marginTop: 16 }}>
        <summary>The event as JSON</summary>
        <CodeBlock text={JSON.stringify(event, null, 2)} what="event" wrap />
      </details>
    </div>
  );
}

/** More than these are folded: tokens of tools carry hundreds. */
const FEW = 12;

function Scopes({ all }: { all: string[] }) {
  const list = (
    <span className="scopes">
      {all.map((scope) => (
        <Code key={scope}>{scope}</Code>
      ))}
    </span>
  );
  if (all.length <= FEW) return <Fact label="Scopes">{list}</Fact>;
  return (
    <details className="quiet">
      <summary>{all.length} scopes</summary>
      {list}
    </details>
  );
}

/** Whether a token was asked for: then the decision was kept with the event. */
function isAboutTokens({ type }: LogEvent): boolean {
  return /^[sf]e(ac|cc|p|rt)ft$/.test(type);
}

/** The same request in the Playground, which says why each scope is granted or not, as things are now. */
function Why({ event }: { event: LogEvent }) {
  const flow = event.type.includes('ccft') ? ('client_credentials' as const) : ('authorization_code' as const);
  const search = {
    client: event.client_id ?? undefined,
    audience: event.audience ?? undefined,
    flow,
    ...(event.scope ? { scope: event.scope } : {}),
    ...(event.user_id ? { user: event.user_id } : {}),
  };
  return (
    <p style={{ margin: '1rem 0 0', fontSize: '0.875rem' }}>
      <Link className="plain-link" to="/playground" search={search}>
        Ask again in the Playground, as things are now
      </Link>
    </p>
  );
}
