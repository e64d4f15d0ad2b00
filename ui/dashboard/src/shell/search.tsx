// Goes anywhere by a few letters: sections, and things of the tenant by their names.
import '@mantine/spotlight/styles.css';

import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { useMay } from '~/auth/session.tsx';
import { SECTIONS } from '~/screens/sections.ts';

import { useFinders } from './finders.ts';

export default function Search({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  const may = useMay();
  const navigate = useNavigate();
  const finders = useFinders();
  const [text, setText] = useState('');
  useEffect(() => (isOpen ? control.open() : control.close()), [isOpen]);
  const found = useQuery({
    queryKey: ['search', text],
    queryFn: async () => (await Promise.allSettled(finders.map((find) => find(text)))).flatMap((one) => (one.status === 'fulfilled' ? one.value : [])),
    enabled: text.trim().length > 0,
    placeholderData: keepPreviousData,
  });
  const sections: SpotlightActionData[] = SECTIONS.filter(({ needs }) => may(...needs)).map(({ path, label, icon: Icon, words }) => ({
    id: path,
    label,
    keywords: words ?? '',
    leftSection: <Icon size={18} stroke={1.7} aria-hidden />,
    onClick: () => void navigate({ to: path }),
  }));
  const things: SpotlightActionData[] = (text.trim() === '' ? [] : (found.data ?? [])).map(({ icon: Icon, ...thing }) => ({
    id: `${thing.kind} ${thing.href}`,
    label: thing.label,
    description: `${thing.kind} · ${thing.detail}`,
    // What the server found is shown, whatever the words.
    keywords: text,
    leftSection: <Icon size={18} stroke={1.7} aria-hidden />,
    onClick: () => void navigate({ href: thing.href }),
  }));
  return (
    <Spotlight
      actions={[...sections, ...things]}
      query={text}
      onQueryChange={setText}
      store={store}
      shortcut={null}
      onSpotlightClose={close}
      attributes={{ content: { 'aria-label': 'Search' } }}
      nothingFound="Nothing found"
      centered={false}
      yOffset="12vh"
      overlayProps={{ blur: 0, backgroundOpacity: 0.4 }}
      scrollable
      maxHeight={420}
      limit={14}
      searchProps={{ leftSection: <IconSearch size={18} aria-hidden />, placeholder: 'Go to a screen, an API, …', 'aria-label': 'Search' }}
    />
  );
}

const [store, control] = createSpotlight();
