// Two bars a day, drawn by hand: a library of charts would weigh more than everything around it.
import { Group, Text } from '@mantine/core';

import type { Day } from './data.ts';
import { ticksTo } from './days.ts';

const WIDTH = 960;
const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 8;

export default function Chart({ days, hasTokens }: { days: Day[]; hasTokens: boolean }) {
  const most = Math.max(1, ...days.map((day) => Math.max(day.logins, hasTokens ? (day.tokens ?? 0) : 0)));
  const ticks = ticksTo(most);
  const top = ticks.at(-1) ?? 1;
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const slot = (WIDTH - LEFT) / days.length;
  const bar = Math.min(22, slot / 2 - 4);
  return (
    <>
      <Group gap="lg" mb="xs">
        <Key className="bar-logins" label="Logins" />
        {hasTokens ? <Key className="bar-tokens" label="Tokens" /> : null}
      </Group>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Chart" ref={toToday}>
        <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
          {ticks.map((tick) => (
            <g key={tick}>
              <line className="grid" x1={LEFT} x2={WIDTH} y1={y(tick)} y2={y(tick)} />
              <text x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
                {tick.toLocaleString('en')}
              </text>
            </g>
          ))}
          {days.map((day, index) => {
            const middle = LEFT + slot * (index + 0.5);
            return (
              <g key={day.date}>
                <title>{inWords(day, hasTokens)}</title>
                <rect x={LEFT + slot * index} y={TOP} width={slot} height={HEIGHT - TOP - BOTTOM} fill="transparent" />
                <Bar className="bar-logins" x={hasTokens ? middle - bar - 1 : middle - bar / 2} width={bar} y={y(day.logins)} base={y(0)} />
                {hasTokens && day.tokens !== undefined ? (
                  <Bar className="bar-tokens" x={middle + 1} width={bar} y={y(day.tokens)} base={y(0)} />
                ) : null}
                <text x={middle} y={HEIGHT - 6} textAnchor="middle">
                  {shortDate(day.date)}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
      <details className="quiet">
        <summary>As a table</summary>
        <table className="table" aria-label="Logins and tokens per day, as a table">
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Logins</th>
              {hasTokens ? <th scope="col">Tokens</th> : null}
            </tr>
          </thead>
          <tbody>
            {days.map((day) => (
              <tr key={day.date}>
                <th scope="row">{day.date}</th>
                <td>{day.logins}</td>
                {hasTokens ? <td>{day.tokens ?? 'not counted'}</td> : null}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

/** Where not all days have room, today is what one wants to see first. */
function toToday(element: HTMLDivElement | null) {
  if (element) element.scrollLeft = element.scrollWidth;
}

function Bar({ className, x, width, y, base }: { className: string; x: number; width: number; y: number; base: number }) {
  return base - y < 0.5 ? null : <rect className={className} x={x} y={y} width={width} height={base - y} rx={2} />;
}

function Key({ className, label }: { className: string; label: string }) {
  return (
    <Group gap={6}>
      <svg width="10" height="10" aria-hidden>
        <rect className={className} width="10" height="10" rx="2" />
      </svg>
      <Text size="sm">{label}</Text>
    </Group>
  );
}

function inWords(day: Day, hasTokens: boolean): string {
  const tokens = hasTokens ? `, ${day.tokens ?? 'uncounted'} tokens` : '';
  return `${day.date}: ${day.logins} logins${tokens}`;
}

function shortDate(date: string): string {
  return new Date(`${date}T00:00:00Z`).toLocaleDateString('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
}
