/** A point in time as this browser writes it, in full for whoever rests on it. */
export function When({ at, none = 'never' }: { at: string | number | null | undefined; none?: string }) {
  if (at === undefined || at === null || at === '') return <>{none}</>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>{String(at)}</>;
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}
    </time>
  );
}
