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

export const Table = Object.assign(Root, {
  Thead: (props: ComponentProps<'thead'>) => <thead {...props} />,
  Tbody: (props: ComponentProps<'tbody'>) => <tbody {...props} />,
  Tr: (props: ComponentProps<'tr'>) => <tr {...props} />,
  Th: (props: ComponentProps<'th'>) => <th scope="col" {...props} />,
  Td: (props: ComponentProps<'td'>) => <td {...props} />,
});
