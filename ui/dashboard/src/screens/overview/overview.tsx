import { Alert, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, Navigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';

import { inWords } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { ago } from '~/components/dates.tsx';
import { Page } from '~/components/page.tsx';
import { Answer, Empty, Loading } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { SECTIONS } from '../sections.ts';
import type { LogEvent } from '../logs/data.ts';
import { kindOf } from '../logs/words.ts';
import { activeUsersQuery, dailyQuery, failuresQuery, signingKeysQuery, tokensQuery } from './data.ts';

const Chart = lazy(() => import('./chart.tsx'));

/** How the tenant does: who signs in, what is issued, what fails, how old the key is. */
export function Overview() {
  const may = useMay();
  const seesStats = may('read:stats');
  const seesLogs = may('read:logs');
  const elsewhere = SECTIONS.find(({ path, needs }) => path !== '/' && may(...needs));
  // Whoever sees nothing here begins where they do.
  if (!seesStats && !seesLogs && elsewhere) return <Navigate to={elsewhere.path} replace />;
  return (
    <Page title="Overview" lead="The last two weeks of this tenant.">
      <div className="tiles">
        {seesStats ? <ActiveUsers /> : null}
        {seesStats ? <LoginsToday /> : null}
        {seesLogs ? <Failures /> : null}
        {may('read:signing_keys') ? <KeyAge /> : null}
      </div>
      {seesStats ? (
        <section className="panel pad" aria-label="Logins and tokens per day" style={{ marginTop: 20 }}>
          <Title order={2} mb="sm">
            Logins and tokens per day
          </Title>
          <PerDay />
        </section>
      ) : null}
      {seesLogs ? (
        <section className="panel" aria-label="Failures" style={{ marginTop: 20 }}>
          <Title order={2} px={20} pt={18} pb={4}>
            What failed in the last day
          </Title>
          <RecentFailures />
        </section>
      ) : null}
    </Page>
  );
}

function Tile({ label, value, note }: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="panel tile">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <div className="tile-value">{value}</div>
      <Text size="xs" c="dimmed" component="div">
        {note}
      </Text>
    </div>
  );
}

/** What a tile shows of a query: the value, a dash on the way, a word where it cannot be had. */
function shown<T>(query: { data: T | undefined; isError: boolean }, show: (data: T) => ReactNode): ReactNode {
  return query.data === undefined ? (query.isError ? 'unknown' : '–') : show(query.data);
}

function ActiveUsers() {
  const users = useQuery(activeUsersQuery);
  return <Tile label="Active users" value={shown(users, (count) => count.toLocaleString('en'))} note="signed in within 30 days" />;
}

function LoginsToday() {
  const daily = useQuery(dailyQuery);
  const sum = (days: { logins: number }[]) => days.reduce((total, day) => total + day.logins, 0);
  return (
    <Tile
      label="Logins today"
      value={shown(daily, (days) => (days.at(-1)?.logins ?? 0).toLocaleString('en'))}
      note={shown(daily, (days) => `${sum(days).toLocaleString('en')} in two weeks`)}
    />
  );
}

function Failures() {
  const failures = useQuery(failuresQuery);
  return (
    <Tile
      label="Failures"
      value={shown(failures, (found) => (found === null ? 'many' : found.total.toLocaleString('en')))}
      note="in the last 24 hours"
    />
  );
}

function KeyAge() {
  const keys = useQuery(signingKeysQuery);
  const current = keys.data?.find((key) => key.current);
  const hasNext = keys.data?.some((key) => key.next);
  return (
    <Tile
      label="Signing key in use for"
      value={shown(keys, () => (current?.current_since === undefined ? 'none' : ago(current.current_since)))}
      note={shown(keys, () => (hasNext ? 'the next one is published' : 'none is ready to follow'))}
    />
  );
}

function PerDay() {
  const daily = useQuery(dailyQuery);
  const tokens = useQuery(tokensQuery);
  return (
    <Answer query={daily} rows={5}>
      {(days) => (
        <Suspense fallback={<Loading rows={5} />}>
          <Chart days={days.map((day) => ({ ...day, tokens: tokens.data?.get(day.date) }))} hasTokens={!tokens.isError} />
          {tokens.data && [...tokens.data.values()].includes(undefined) ? (
            <Text size="xs" c="dimmed" mt={4}>
              Where tokens are missing, there were more events than the server counts.
            </Text>
          ) : null}
          {tokens.isError ? (
            <Text size="xs" c="dimmed" mt={4}>
              Tokens could not be counted: {inWords(tokens.error)}
            </Text>
          ) : null}
        </Suspense>
      )}
    </Answer>
  );
}

function RecentFailures() {
  const failures = useQuery(failuresQuery);
  return (
    <Answer query={failures} rows={4}>
      {(found) =>
        found === null ? (
          <Alert color="yellow" m="md">
            There are more events than can be looked through at once.
          </Alert>
        ) : found.logs.length === 0 ? (
          <Empty title="Nothing failed" text="Refused passwords, codes and requests would stand here." />
        ) : (
          <Table cards label="Failures">
            <Table.Head columns={['When', 'What', 'Application', 'User']} />
            <Table.Tbody>
              {found.logs.map((event) => (
                <FailureRow key={event.log_id} event={event} />
              ))}
            </Table.Tbody>
          </Table>
        )
      }
    </Answer>
  );
}

function FailureRow({ event }: { event: LogEvent }) {
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <time dateTime={event.date} title={event.date}>
          {ago(event.date)} ago
        </time>
      </Table.Td>
      <Table.Td>
        <Link className="row-link" to="/logs/$id" params={{ id: event.log_id }}>
          {kindOf(event.type)}
        </Link>
        {event.description ? (
          <Text size="xs" c="dimmed">
            {event.description}
          </Text>
        ) : null}
      </Table.Td>
      <Table.Td>{event.client_name}</Table.Td>
      <Table.Td>{event.user_name}</Table.Td>
    </Table.Tr>
  );
}
