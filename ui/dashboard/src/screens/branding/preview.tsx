import markUrl from '~/mark.svg';

import { fitForWhite, isColour } from './colours.ts';

const OUR_COLOUR = '#4259c6';

/** The login page in its light theme, drawn after crates/login: a picture, in which nothing can be done. */
export function Preview({ logo, colour }: { logo: string; colour: string }) {
  const accent = isColour(colour) ? colour.trim() : OUR_COLOUR;
  const line = (width: string) => <div style={{ width, height: 10, borderRadius: 5, background: '#d4d8e1' }} />;
  const field = <div style={{ height: 40, border: '1px solid #7d8597', borderRadius: 8, background: '#fff' }} />;
  return (
    <div
      role="img"
      aria-label="Preview of the login page"
      style={{ padding: '32px 16px', borderRadius: 8, background: '#f4f5f8', border: '1px solid #e1e4ea' }}
    >
      <div
        style={{
          display: 'grid', gap: 14, maxWidth: 320, margin: '0 auto', padding: 28, background: '#fff', color: '#171a21',
          border: '1px solid #e1e4ea', borderRadius: 16,
        }}
      >
        <img src={isAddress(logo) ? logo : markUrl} alt="" style={{ height: 44, maxWidth: '100%', objectFit: 'contain', objectPosition: 'left' }} />
        <div style={{ fontSize: 20, fontWeight: 650 }}>Welcome</div>
        {line('80%')}
        {field}
        {field}
        <div style={{ width: 110, height: 10, borderRadius: 5, background: accent }} />
        {/* A colour on which white is not legible is darkened by the server; here its button has no text. */}
        <div
          style={{
            height: 42, borderRadius: 8, display: 'grid', placeItems: 'center', background: accent, color: '#fff', fontWeight: 600, fontSize: 14,
          }}
        >
          {fitForWhite(accent) ? 'Continue' : ''}
        </div>
      </div>
    </div>
  );
}

function isAddress(text: string): boolean {
  return /^https:\/\/[^/]/.test(text.trim());
}
