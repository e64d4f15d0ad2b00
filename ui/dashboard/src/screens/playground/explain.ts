// Why a scope is in a token or not, as the server tells it: POST /api/chancery/v1/explain.
import { extension } from '~/api/client.ts';

export type Flow = 'authorization_code' | 'implicit' | 'client_credentials';

export interface Question {
  client_id: string;
  audience?: string;
  scope: string;
  flow: Flow;
  user_id?: string;
  organization?: string;
  /** Whether users are asked may depend on it. */
  redirect_uri?: string;
}

export interface Fix {
  kind: string;
  text: string;
  client_id?: string;
  client_grant_id?: string;
  subject_type?: 'user' | 'client';
  api_id?: string;
  audience?: string;
  scope?: string;
  grant_type?: string;
  user_id?: string;
  organization_id?: string;
  connection?: string;
  roles?: { id: string; name: string }[];
}

export interface Reason {
  step: string;
  passes: boolean;
  code: string;
  text: string;
  fix?: Fix;
}

export interface ExplainedScope {
  scope: string;
  asked: boolean;
  granted: boolean;
  code: string;
  reasons: Reason[];
}

export interface Explanation {
  decision: 'issued' | 'denied';
  denied?: { code: string; error: string; text: string; fix?: Fix };
  scope: string;
  permissions?: string[];
  consent: string;
  scopes: ExplainedScope[];
  available: string[];
}

export function explain(question: Question): Promise<Explanation> {
  return extension<Explanation>('explain', question);
}
