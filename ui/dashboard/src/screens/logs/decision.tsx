import { Alert, Badge, Loader, Text, Title } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';

import { ApiError, readExtension } from '~/api/client.ts';
import { inWords } from '~/api/queries.ts';
import { Code } from '~/components/code.tsx';
import type { ExplainedScope, Explanation } from '~/screens/playground/explain.ts';

/** Why a token has the scopes it has, as it was decided when it was asked for. */
export function Decision({ id }: { id: string }) {
  const decision = useQuery({
    queryKey: ['logs', id, 'decision'],
    queryFn: () => readExtension<Partial<Explanation>>(`explain/tokens/${encodeURIComponent(id)}`),
    staleTime: Infinity,
  });
  if (decision.isPending) return <Loader size="sm" mt="md" aria-label="Loading the decision" role="status" />;
  if (decision.isError) {
    // Nothing was kept with it: then there is nothing to tell.
    if (decision.error instanceof ApiError && decision.error.status === 404) return null;
    return (
      <Alert color="yellow" mt="md">
        Why these scopes is not known: {inWords(decision.error)}
      </Alert>
    );
  }
  const { scopes = [], denied } = decision.data;
  if (scopes.length === 0 && !denied) return null;
  // What was refused is what people come for.
  const sorted = scopes.toSorted((a, b) => Number(a.granted) - Number(b.granted));
  return (
    <section aria-labelledby="decision" style={{ marginTop: 20 }}>
      <Title order={2} id="decision" mb={4}>
        Why these scopes, as it was decided then
      </Title>
      {denied ? (
        <Alert color="red" my="sm" title={denied.error}>
          {denied.text}
        </Alert>
      ) : null}
      <Scopes scopes={sorted.slice(0, FEW)} />
      {sorted.length > FEW ? (
        <details className="quiet">
          <summary>{sorted.length - FEW} more scopes</summary>
          <Scopes scopes={sorted.slice(FEW)} />
        </details>
      ) : null}
    </section>
  );
}

/** More than these are folded: tokens of tools carry hundreds. */
const FEW = 8;

function Scopes({ scopes }: { scopes: readonly ExplainedScope[] }) {
  return (
    <ul className="why">
      {scopes.map(({ scope, granted, reasons }) => {
        const deciding = reasons.find((reason) => !reason.passes) ?? reasons.findLast((reason) => reason.step !== 'consent') ?? reasons.at(-1);
        return (
          <li key={scope} style={{ paddingInline: 0 }}>
            <div className="why-line">
              <Badge color={granted ? 'green' : 'red'} leftSection={granted ? <IconCheck size={12} aria-hidden /> : <IconX size={12} aria-hidden />}>
                {granted ? 'granted' : 'refused'}
              </Badge>
              <Code>{scope}</Code>
            </div>
            {deciding ? <Text size="sm">{deciding.text}</Text> : null}
          </li>
        );
      })}
    </ul>
  );
}
