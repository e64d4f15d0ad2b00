// Applications and scopes as a matrix: what each may ask for. Changes are collected, shown with their effects, and made in
// one step.
import { Alert, Badge, Button, Group, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';

import { apply, plan } from '~/api/effects.ts';
import { useMay } from '~/auth/session.tsx';
import { ApplicationSelect } from '~/components/application-select.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Effects } from '~/components/effects.tsx';
import { firstName } from '~/components/names.ts';
import { done, failed } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';

import { type Api, apiQuery } from './data.ts';
import { type Access, accessOf, type Application, applicationsByIdQuery, applicationsQuery, type Grant, grantsQuery, operationFor, type Subject, takesAway } from './grants.ts';

const route = getRouteApi('/apis/$id/applications');

export function ApiApplications() {
  const { id } = route.useParams();
  const { access = 'user', client } = route.useSearch();
  const navigate = route.useNavigate();
  const api = useQuery(apiQuery(id));
  const choose = (subject: string) => void navigate({ search: subject === 'client' ? { access: 'client' } : {}, replace: true });
  return (
    <Answer query={api}>
      {(data) => (
        <>
          <Group mb="sm" gap="xs" role="radiogroup" aria-label="Kind of access">
            {SUBJECTS.map(({ value, label }) => (
              <Button
                key={value}
                size="xs"
                role="radio"
                aria-checked={access === value}
                variant={access === value ? 'light' : 'default'}
                onClick={() => choose(value)}
              >
                {label}
              </Button>
            ))}
          </Group>
          <Note api={data} subject={access} />
          <Loaded key={access} api={data} subject={access} asked={client} />
        </>
      )}
    </Answer>
  );
}

const SUBJECTS = [
  { value: 'user', label: 'In the name of users' },
  { value: 'client', label: 'In their own name' },
] as const;

function Note({ api, subject }: { api: Api; subject: Subject }) {
  const policies = (api.subject_type_authorization ?? {}) as { user?: { policy?: string }; client?: { policy?: string } };
  const policy = subject === 'user' ? (policies.user?.policy ?? 'allow_all') : (policies.client?.policy ?? 'require_client_grant');
  const settings = (
    <Link to="/apis/$id/settings" params={{ id: api.id }}>
      the settings
    </Link>
  );
  if (policy === 'deny_all') {
    return (
      <Alert color="yellow" mb="sm">
        No application may ask {subject === 'user' ? 'in the name of users' : 'in its own name'}: {settings} say so, whatever is ticked here.
      </Alert>
    );
  }
  if (policy === 'allow_all') {
    return (
      <Text size="sm" c="dimmed" mb="sm">
        Any application of yours may ask for any scope for its users; a grant is needed by third parties alone. To decide for each
        application, change this in {settings}.
      </Text>
    );
  }
  return (
    <Text size="sm" c="dimmed" mb="sm">
      {subject === 'user'
        ? 'An application may ask for what is ticked; users get of it what they hold and agree to.'
        : 'An application gets what is ticked, with its own secret and without a user.'}
    </Text>
  );
}

function Loaded({ api, subject, asked }: { api: Api; subject: Subject; asked: string | undefined }) {
  const grants = useQuery(grantsQuery({ audience: api.identifier }));
  const applications = useQuery(applicationsQuery(''));
  return (
    <div className="panel">
      <Answer query={grants}>
        {(found) => (
          <Answer query={applications}>
            {(page) => <Matrix api={api} subject={subject} grants={found} applications={page.applications} asked={asked} />}
          </Answer>
        )}
      </Answer>
    </div>
  );
}

interface MatrixProps {
  api: Api;
  subject: Subject;
  grants: Grant[];
  applications: Application[];
  /** Somebody was sent here for this application: it is shown although it has no grant yet. */
  asked: string | undefined;
}

/** The most columns at once: more help nobody. */
const MOST = 40;

function Matrix({ api, subject, grants, applications, asked }: MatrixProps) {
  const may = useMay();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const [draft, setDraft] = useState<ReadonlyMap<string, Access | undefined>>(new Map());
  const [added, setAdded] = useState<readonly string[]>(asked === undefined ? [] : [asked]);
  const [words, setWords] = useState('');
  const [isSaving, setSaving] = useState(false);
  const isEditable = may('update:client_grants') && may('create:client_grants') && may('delete:client_grants');

  const byClient = useMemo(
    () => new Map(grants.filter((g) => (g.subject_type ?? 'client') === subject && g.client_id !== undefined).map((g) => [g.client_id ?? '', g])),
    [grants, subject],
  );
  const ids = [...new Set([...byClient.keys(), ...added])];
  const known = new Set(applications.map(({ client_id: id }) => id));
  const others = useQuery(applicationsByIdQuery(ids.filter((id) => !known.has(id))));
  const names = new Map([...applications, ...(others.data ?? [])].map((application) => [application.client_id, application]));
  const rows = ids.map((id) => names.get(id) ?? { client_id: id });
  const all = (api.scopes ?? []).filter(({ value }) => value.includes(words.trim()));
  const columns = all.slice(0, MOST);
  const accessNow = (id: string) => (draft.has(id) ? draft.get(id) : accessOf(byClient.get(id)));
  const set = (id: string, access: Access | undefined) => setDraft(new Map(draft).set(id, access));
  const operations = [...draft].flatMap(([id, access]) => operationFor(api.identifier, subject, id, byClient.get(id), access) ?? []);
  const isLoss = [...draft].some(([id, access]) => takesAway(byClient.get(id), access));

  const write = async () => {
    const { revision } = await plan(operations);
    await apply(operations, revision);
    await queries.invalidateQueries({ queryKey: ['client-grants'] });
    setDraft(new Map());
    done(operations.length === 1 ? 'The access of one application was changed' : `The access of ${operations.length} applications was changed`);
  };
  const save = () => {
    if (isLoss) {
      confirm({
        title: 'Change the access of these applications?',
        effect: <Effects operations={operations} />,
        action: 'Change access',
        run: write,
      });
      return;
    }
    setSaving(true);
    write()
      .catch((error: unknown) => failed(error))
      .finally(() => setSaving(false));
  };

  return (
    <>
      <Group p="sm" justify="space-between">
        {isEditable ? (
          <ApplicationSelect
            aria-label="Add an application"
            placeholder="Add an application"
            leftSection={<IconPlus size={16} aria-hidden />}
            w={280}
            maw="100%"
            nothingFoundMessage={subject === 'client' ? 'No other application may ask in its own name' : 'No other application'}
            isOffered={({ client_id: id, grant_types: types }) =>
              !ids.includes(id) && (subject === 'user' || types?.includes('client_credentials') === true)
            }
            onChoose={({ client_id: id }) => setAdded([...added, id])}
          />
        ) : (
          <span />
        )}
        <TextInput aria-label="Filter scopes" placeholder="Filter scopes" value={words} onChange={(event) => setWords(event.currentTarget.value)} />
      </Group>
      {rows.length === 0 ? (
        <Empty
          title="No application yet"
          text={
            subject === 'user'
              ? 'No application has a grant for this API in the name of users.'
              : 'No application may ask in its own name. Add one, and tick the scopes that it gets.'
          }
        />
      ) : (
        <div className="table-scroll">
          <table className="table matrix" aria-label="Applications and scopes">
            <thead>
              <tr>
                <th scope="col">Application</th>
                <th scope="col" className="matrix-head">
                  <span>All, also later ones</span>
                </th>
                {columns.map(({ value }) => (
                  <th scope="col" key={value} className="matrix-head">
                    <span>{value}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((application) => (
                <Row
                  key={application.client_id}
                  application={application}
                  scopes={columns.map(({ value }) => value)}
                  access={accessNow(application.client_id)}
                  isChanged={draft.has(application.client_id)}
                  isEditable={isEditable && byClient.get(application.client_id)?.is_system !== true}
                  set={(access) => set(application.client_id, access)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {all.length > MOST ? (
        <Text size="sm" c="dimmed" p="sm">
          The first {MOST} of {all.length} scopes. Filter to see others.
        </Text>
      ) : null}
      {operations.length > 0 ? (
        <div className="save-bar">
          <Group justify="space-between">
            <Text size="sm" role="status">
              {operations.length === 1 ? 'One application changes.' : `${operations.length} applications change.`}
            </Text>
            <Group gap="xs">
              <Button variant="default" onClick={() => setDraft(new Map())}>
                Discard
              </Button>
              <Button onClick={save} loading={isSaving}>
                Save
              </Button>
            </Group>
          </Group>
        </div>
      ) : null}
    </>
  );
}

interface RowProps {
  application: Application;
  scopes: string[];
  access: Access | undefined;
  isChanged: boolean;
  isEditable: boolean;
  set: (access: Access | undefined) => void;
}

function Row({ application, scopes, access, isChanged, isEditable, set }: RowProps) {
  const name = firstName(application.name, application.client_id);
  const toggle = (scope: string) => {
    const next = new Set(access?.scopes ?? []);
    if (!next.delete(scope)) next.add(scope);
    set({ scopes: next, all: false });
  };
  return (
    <tr>
      <th scope="row">
        <Text size="sm" fw={560} c="var(--mantine-color-text)">
          {name}
        </Text>
        <Group gap={6}>
          {application.is_first_party === false ? <Badge color="yellow">Third party</Badge> : null}
          {isChanged ? <Badge>Changed</Badge> : null}
          {access === undefined ? (
            <Text size="xs" c="dimmed">
              no access
            </Text>
          ) : isEditable ? (
            <Button size="compact-xs" variant="subtle" color="red" ml={-6} onClick={() => set(undefined)}>
              Withdraw all
            </Button>
          ) : null}
        </Group>
      </th>
      <td>
        <input
          type="checkbox"
          aria-label={`Every scope for ${name}`}
          disabled={!isEditable}
          checked={access?.all ?? false}
          onChange={(event) => set({ scopes: access?.scopes ?? new Set(), all: event.currentTarget.checked })}
        />
      </td>
      {scopes.map((scope) => (
        <td key={scope}>
          <input
            type="checkbox"
            aria-label={`${scope} for ${name}`}
            disabled={!isEditable || access?.all === true}
            checked={access?.all === true || (access?.scopes.has(scope) ?? false)}
            onChange={() => toggle(scope)}
          />
        </td>
      ))}
    </tr>
  );
}
