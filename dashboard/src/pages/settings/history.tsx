// Every version of the changes made here: who, when, why, what, and the way back.
import { History as HistoryIcon, Undo2 } from "lucide-react";
import { usePages, useSend } from "@/api/queries";
import type { Version } from "@/api/types";
import { useMay } from "@/shell/session";
import { Ago, Badge, Button, Card, Empty, Foreign, Loaded, Pagination, toast } from "@/ui";
import { changeInWords, isBare } from "./draft";
import { Differences } from "./editor";
import { useSettings } from "./policies";

export function History() {
  const query = usePages(
    "/api/v1/config/versions",
    { query: { limit: 20 }, by: "before" },
    { refetchInterval: 15_000 },
  );
  const settings = useSettings();
  const mayChange = useMay("admin");
  const rollback = useSend("post", "/api/v1/config/rollback", ["/api/v1/config", "/api/v1/exceptions"]);
  const goBack = (version: number) =>
    rollback.mutate(
      { body: { version } },
      {
        onSuccess: (made) =>
          toast(`${version === 0 ? "The file alone" : `Version ${version}`} serves again, as version ${made.version}`),
        onError: toast.error,
      },
    );
  const busy = rollback.isPending ? (rollback.variables?.body?.version ?? null) : null;
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const versions = pages.flatMap((page) => page.versions);
        if (versions.length === 0) {
          return (
            <Card>
              <Empty icon={HistoryIcon} title="Nothing was changed yet">
                Everything is as the configuration file says. Each change made here becomes a version that can be gone
                back to.
              </Empty>
            </Card>
          );
        }
        const plain = settings.data ? isBare(settings.data.overlay) : true;
        return (
          <Card flush title="Versions" hint="Going back makes a new version, so that nothing is ever lost.">
            <ol>
              {versions.map((version, index) => (
                <Entry
                  key={version.version}
                  version={version}
                  serves={index === 0}
                  onBack={mayChange && index > 0 ? () => goBack(version.version) : undefined}
                  busy={busy === version.version}
                />
              ))}
              {!query.hasNextPage && (
                <li className="flex flex-wrap items-center gap-3 border-t border-line px-4 py-3">
                  <p className="min-w-0 flex-1">
                    <span className="font-medium">The file alone</span>
                    <span className="block text-xs text-muted">Before anything was changed here</span>
                  </p>
                  {mayChange && !plain && (
                    <Button size="sm" icon={Undo2} busy={busy === 0} onClick={() => goBack(0)}>
                      Go back to the file
                    </Button>
                  )}
                </li>
              )}
            </ol>
            {query.hasNextPage && (
              <Pagination
                shown={versions.length}
                noun="versions"
                more
                busy={query.isFetchingNextPage}
                onMore={() => void query.fetchNextPage()}
              />
            )}
          </Card>
        );
      }}
    </Loaded>
  );
}

function Entry({
  version,
  serves,
  onBack,
  busy,
}: {
  version: Version;
  serves: boolean;
  onBack: (() => void) | undefined;
  busy: boolean;
}) {
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-t border-line px-4 py-3 max-sm:flex-col">
      <div className="w-44 shrink-0">
        <p className="flex items-center gap-2 font-medium">
          Version {version.version}
          {serves && <Badge tone="ok">serves now</Badge>}
        </p>
        <p className="text-xs text-muted">
          <Foreign text={version.author} />, <Ago when={version.made} />
        </p>
      </div>
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        {version.comment ? (
          <p className="break-words">
            <Foreign text={version.comment} />
          </p>
        ) : (
          <p className="text-muted">No reason was given</p>
        )}
        {version.changes.length === 0 ? (
          <p className="text-[13px] text-muted">The same as the version before</p>
        ) : (
          <Differences changes={version.changes.map(changeInWords)} />
        )}
      </div>
      {onBack && (
        <Button size="sm" icon={Undo2} busy={busy} onClick={onBack}>
          Go back to this
        </Button>
      )}
    </li>
  );
}
