import markUrl from '~/mark.svg';

import type { Shown } from './colours.ts';

interface Props {
  logo: string;
  shown: { light: Shown; dark: Shown };
  tenantName: string;
}

/** The login page in both of its themes, drawn after crates/login: a picture, in which nothing can be done. */
export function Preview({ logo, shown, tenantName }: Props) {
  return (
    <div role="img" aria-label="Preview of the login page" className="preview">
      <Page logo={logo} shown={shown.light} tenantName={tenantName} look={LIGHT} />
      <Page logo={logo} shown={shown.dark} tenantName={tenantName} look={DARK} />
    </div>
  );
}

interface Look {
  ground: string;
  card: string;
  edge: string;
  text: string;
  quiet: string;
  field: string;
  fieldEdge: string;
}

/** As in crates/login/static/style.css. */
const LIGHT: Look = { ground: '#f4f5f8', card: '#fff', edge: '#e1e4ea', text: '#171a21', quiet: '#555c6b', field: '#fff', fieldEdge: '#858c9b' };
const DARK: Look = { ground: '#111319', card: '#1b1e27', edge: '#2c303c', text: '#eceef3', quiet: '#aab1c0', field: '#13151c', fieldEdge: '#7d8597' };

function Page({ logo, shown, tenantName, look }: { logo: string; shown: Shown; tenantName: string; look: Look }) {
  const field = (label: string) => (
    <div>
      <div style={{ fontWeight: 550, marginBottom: 3 }}>{label}</div>
      <div style={{ height: 30, border: `1px solid ${look.fieldEdge}`, borderRadius: 6, background: look.field }} />
    </div>
  );
  return (
    <div style={{ padding: '24px 14px', background: look.ground, color: look.text, fontSize: 11, lineHeight: 1.5 }}>
      <div style={{ display: 'grid', gap: 11, maxWidth: 250, margin: '0 auto', padding: 22, background: look.card, border: `1px solid ${look.edge}`, borderRadius: 12 }}>
        <img src={isAddress(logo) ? logo.trim() : markUrl} alt="" style={{ display: 'block', height: 32, maxWidth: '100%', objectFit: 'contain', objectPosition: 'left' }} />
        <div>
          <div style={{ fontSize: 16, lineHeight: 1.25, fontWeight: 650 }}>Log in to Your application</div>
          <div style={{ color: look.quiet, overflowWrap: 'anywhere' }}>Use your {tenantName} account.</div>
        </div>
        {field('Email address')}
        {field('Password')}
        <div style={{ color: shown.text, textDecoration: 'underline' }}>Forgot password?</div>
        <div
          className="preview-button"
          style={{ height: 32, borderRadius: 6, display: 'grid', placeItems: 'center', background: shown.fill, color: shown.onFill, fontWeight: 600 }}
        >
          Continue
        </div>
        <div>
          No account yet? <span style={{ color: shown.text, textDecoration: 'underline' }}>Sign up</span>
        </div>
      </div>
    </div>
  );
}

/** The server takes no other addresses. */
function isAddress(text: string): boolean {
  return /^https:\/\/[^/]/.test(text.trim());
}
