import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';

import { callAs, management } from '~/api/client.ts';
import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { usePage } from '~/components/use-page.ts';
import { type LogEvent, REACH } from '~/screens/logs/data.ts';
import { Events } from '~/screens/logs/events.tsx';

const route = getRouteApi('/users/$id/logs');
const PER_PAGE = 25;

/** What happened to them, the newest first. */
export function UserLogs() {
  const { id } = route.useParams();
  const [page, setPage] = usePage();
  const logs = useQuery({
    queryKey: ['users', id, 'logs', page],
    queryFn: () => {
      const query = { page, per_page: PER_PAGE, include_totals: true } as const;
      return callAs<{ total: number; logs: LogEvent[] }>(management.GET('/users/{id}/logs', { params: { path: { id }, query } }));
    },
  });
  return (
    <div className="panel">
      <Answer query={logs}>
        {(data) =>
          data.logs.length === 0 ? (
            <Empty title="Nothing yet" text="Sign-ins, tokens in their name and changes to them stand here." />
          ) : (
            <>
              <Events events={data.logs} />
              <Pager
                page={page}
                perPage={PER_PAGE}
                total={data.total}
                reach={REACH}
                beyond={
                  <Link to="/logs" search={{ user: id }} className="plain-link">
                    Search the logs for earlier ones
                  </Link>
                }
                onPage={setPage}
              />
            </>
          )
        }
      </Answer>
    </div>
  );
}
