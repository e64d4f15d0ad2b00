// Whether sign-ins ask for a second step, and which there are. Each switch acts at once, since each changes what happens to
// whoever signs in next.
import { Group, Loader, Switch } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { type Confirmation, useConfirm } from '~/components/confirm.tsx';
import { FormSection } from '~/components/form.tsx';
import { done } from '~/components/notify.ts';
import { Failure } from '~/components/states.tsx';

interface Factor {
  name: string;
  enabled: boolean;
}

const ALWAYS = 'all-applications';

/** Second steps by WebAuthn. */
const KEYS = [
  { name: 'webauthn-roaming', label: 'Security keys', description: 'Keys that users carry with them.' },
  { name: 'webauthn-platform', label: 'Built-in authenticators', description: 'The fingerprint, the face or the PIN of the user’s own device.' },
] as const;

const factorsQuery = queryOptions({
  queryKey: ['second-factors'],
  queryFn: () => callAs<Factor[]>(management.GET('/guardian/factors')),
});

const policiesQuery = queryOptions({
  queryKey: ['second-factor-policies'],
  queryFn: () => callAs<string[]>(management.GET('/guardian/policies')),
});

/** Nothing where the administrator may not see it. */
export function SecondFactor() {
  const may = useMay();
  const sees = may('read:guardian_factors') && may('read:mfa_policies');
  const factors = useQuery({ ...factorsQuery, enabled: sees });
  const policies = useQuery({ ...policiesQuery, enabled: sees });
  const confirm = useConfirm();
  if (!sees) return null;
  const error = factors.error ?? policies.error;
  if (error) return <Failure error={error} again={() => void Promise.all([factors.refetch(), policies.refetch()])} />;
  const isOn = (name: string) => factors.data?.some((factor) => factor.name === name && factor.enabled) ?? false;
  const isAny = isOn('otp') || isOn('webauthn-roaming') || isOn('webauthn-platform');
  const isAlways = policies.data?.includes(ALWAYS) ?? false;
  const turn = (name: 'otp' | 'webauthn-roaming' | 'webauthn-platform' | 'recovery-code', enabled: boolean) =>
    callAs(management.PUT('/guardian/factors/{name}', { params: { path: { name } }, body: { enabled } }));
  const setAlways = (on: boolean) => callAs(management.PUT('/guardian/policies', { body: on ? [ALWAYS] : [] }));
  const ask = (asked: Omit<Confirmation, 'run'>, said: string, run: () => Promise<unknown>) =>
    confirm({
      ...asked,
      run: async () => {
        await run();
        await Promise.all([factorsQuery, policiesQuery].map(({ queryKey }) => queryClient.invalidateQueries({ queryKey })));
        done(said);
      },
    });
  const mayTurn = may('update:guardian_factors');
  return (
    <div className="panel" style={{ marginTop: '1rem' }}>
      <FormSection title="Second step at sign-in" text="The code of an authenticator app, or a security key, after the password. Users set theirs up when they are first asked.">
        {factors.isPending || policies.isPending ? (
          <Group><Loader size="sm" aria-label="Loading" /></Group>
        ) : (
          <>
            <Switch
              label="Authenticator apps"
              description="Applications can ask for it; nobody is asked by this alone."
              disabled={!mayTurn}
              checked={isOn('otp')}
              onChange={() =>
                isOn('otp')
                  ? ask({ title: 'Ask nobody for a code?', effect: 'Nobody sets an app up any more. Without any other second step the password alone lets everybody in, also where an application asks for more. What users have set up is kept.', action: 'Turn off' }, 'Nobody is asked for a code', () => turn('otp', false))
                  : ask({ title: 'Offer authenticator apps?', effect: 'Applications that ask for a second step get one: their users set up an app when they sign in there.', action: 'Turn on', gives: true }, 'Authenticator apps can be used', () => turn('otp', true))
              }
            />
            {KEYS.map(({ name, label, description }) => (
              <Switch
                key={name}
                label={label}
                description={description}
                disabled={!mayTurn}
                checked={isOn(name)}
                onChange={() =>
                  isOn(name)
                    ? ask({ title: `Offer no ${label.toLowerCase()}?`, effect: 'Nobody sets one up any more. Without any other second step the password alone lets everybody in. What users have set up is kept.', action: 'Turn off' }, `${label} are offered no more`, () => turn(name, false))
                    : ask({ title: `Offer ${label.toLowerCase()}?`, effect: 'Applications that ask for a second step get one: their users set it up when they sign in there.', action: 'Turn on', gives: true }, `${label} can be used`, () => turn(name, true))
                }
              />
            ))}
            <Switch
              label="Recovery codes"
              description="Whoever sets up an app gets a code that lets them in once without it."
              disabled={!mayTurn || !isAny}
              checked={isOn('recovery-code')}
              onChange={() =>
                isOn('recovery-code')
                  ? ask({ title: 'Take no recovery codes?', effect: 'Whoever loses their device needs you to remove their second step. Codes that users have are kept.', action: 'Turn off' }, 'Recovery codes are taken no more', () => turn('recovery-code', false))
                  : ask({ title: 'Give recovery codes?', effect: 'Whoever sets up an app from now on gets a code. Whoever has an app already gets none.', action: 'Turn on', gives: true }, 'Recovery codes are given', () => turn('recovery-code', true))
              }
            />
            <Switch
              label="At every sign-in"
              description="Otherwise only where an application asks with acr_values."
              disabled={!may('update:mfa_policies') || !isAny}
              checked={isAlways}
              onChange={() =>
                isAlways
                  ? ask({ title: 'Ask only where applications do?', effect: 'The password alone lets users in to every application that does not ask for more.', action: 'Ask less' }, 'Only applications ask', () => setAlways(false))
                  : ask({ title: 'Ask at every sign-in?', effect: 'Everybody shows a code at the next sign-in, you too; whoever has no app sets one up then. Applications that take passwords themselves have to handle mfa_required.', action: 'Ask everybody', gives: true }, 'Every sign-in asks for a code', () => setAlways(true))
              }
            />
          </>
        )}
      </FormSection>
    </div>
  );
}
