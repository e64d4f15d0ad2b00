// Tables of the dashboard. The library's own would bring everything that floats into the first load.
import type { ComponentProps } from 'react';

/** A table that scrolls by itself where it is too wide. With `cards`, its rows are cards on phones. */
function Root({ cards = false, label, ...props }: ComponentProps<'table'> & { cards?: boolean; label: string }) {
  return (
    <div className="table-scroll">
      <table className={cards ? 'table cards' : 'table'} aria-label={label} {...props} />
    </div>
  );
}

interface HeadProps {
  columns: readonly string[];
  /** The last column has buttons, which need no heading for whoever sees them. */
  hasActions?: boolean;
}

/** The row of headings. */
function Head({ columns, hasActions = false }: HeadProps) {
  return (
    <thead>
      <tr>
        {columns.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
        {hasActions ? (
          <th scope="col">
            <span className="unseen">Actions</span>
          </th>
        ) : null}
      </tr>
    </thead>
  );
}

export const Table = Object.assign(Root, {
  Head,
  Thead: (props: ComponentProps<'thead'>) => <thead {...props} />,
  Tbody: (props: ComponentProps<'tbody'>) => <tbody {...props} />,
  Tr: (props: ComponentProps<'tr'>) => <tr {...props} />,
  Th: (props: ComponentProps<'th'>) => <th scope="col" {...props} />,
  Td: (props: ComponentProps<'td'>) => <td {...props} />,
});
