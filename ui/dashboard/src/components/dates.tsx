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

/** How long ago, in one unit. */
export function ago(date: string): string {
  const seconds = Math.max(0, (Date.now() - Date.parse(date)) / 1000);
  for (const [unit, size] of [['day', 86_400], ['hour', 3600], ['minute', 60]] as const) {
    if (seconds >= size) return counted(Math.floor(seconds / size), unit);
  }
  return counted(Math.floor(seconds), 'second');
}

function counted(count: number, unit: string): string {
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}
